#!/bin/sh
# Sets Drivescope up and then does one of two things; both can be run again at any time.
#
#   sh resources/setup.sh demo [OPTIONS]   opens the window on the bundled demo library (options go to `drivescope demo`)
#   sh resources/setup.sh test [OPTIONS]   passes the tests (options go to pytest)
#
# What it does: (1) on Debian and Ubuntu, as root, installs the few system libraries that Qt needs and are missing;
# (2) makes a virtual environment in .venv and installs this package and its dependencies there; (3) runs the command.
# Nothing else on the machine is changed. DRIVESCOPE_VENV names another place for the environment.
set -eu
cd "$(dirname "$0")/.."
job=${1:-}
case $job in
  demo) extras="" ;;
  test) extras="[test]" ;;
  *) echo "usage: sh resources/setup.sh demo|test [options]" >&2; exit 2 ;;
esac
shift

# 1. System libraries: without them `import PySide6.QtWidgets` stops at a missing .so, and text has no font.
packages="libgl1 libegl1 libxkbcommon0 libfontconfig1 libfreetype6 libx11-6 libglib2.0-0 libdbus-1-3 libzstd1
  libgssapi-krb5-2 libbrotli1 fonts-dejavu-core libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1
  libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libx11-xcb1 libxkbcommon-x11-0"
if command -v dpkg-query >/dev/null 2>&1; then
  missing=""
  for package in $packages; do
    dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^.i' || missing="$missing $package"
  done
  if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then
      echo "Installing system libraries:$missing" >&2
      apt-get update -qq >&2
      # shellcheck disable=SC2086  # a list of words is meant
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    else
      echo "These system libraries are missing; if the window does not open, run: sudo apt-get install$missing" >&2
    fi
  fi
fi

# 2. The Python environment. A stamp beside it says what was installed, so that a second run starts at once.
venv=${DRIVESCOPE_VENV:-.venv}
stamp="$venv/.drivescope$extras-$(cksum <pyproject.toml | cut -d' ' -f1)"
if [ ! -e "$stamp" ]; then
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  echo "Installing Drivescope and its dependencies into $venv (some minutes the first time)" >&2
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -e ".$extras"
  touch "$stamp"
fi

# 3. The job.
if [ "$job" = demo ]; then
  exec "$venv/bin/drivescope" demo "$@"
fi
# Qt draws into memory in the tests; nothing has to be seen.
QT_QPA_PLATFORM=${QT_QPA_PLATFORM:-offscreen} exec "$venv/bin/python" -m pytest "$@"
