"""Training: from a folder of captioned clips to a bundle (towers, X-CLIP teacher, distilled student).

Not needed to run the program; nothing outside this room imports it except the `distill` command.
"""
