"""The three models once more, slowly: NumPy, float64, loops, straight from a checkpoint's keys.

Nothing of `core.models` is used here, so that an agreement means something. Written from the published
descriptions (CLIP, CLIP4Clip, X-CLIP, TeachCLIP) and their checkpoints' key names.
"""

import numpy as np


def layer_norm(x, weights, name, eps):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - mean) / np.sqrt(variance + eps) * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def softmax(x, axis=-1):
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def unit(x):
    return x / np.sqrt((x**2).sum(-1, keepdims=True))


def gelu_quick(x):
    return x / (1 + np.exp(-1.702 * x))


def attention(x, weights, name, heads, mask):
    """One sequence (L, D); mask (L, L) is added to the logits."""
    D = x.shape[1]
    d = D // heads
    qkv = x @ weights[f"{name}.in_proj_weight"].T + weights[f"{name}.in_proj_bias"]
    out = np.zeros_like(x)
    for h in range(heads):
        q, k, v = (qkv[:, part * D + h * d : part * D + (h + 1) * d] for part in range(3))
        out[:, h * d : (h + 1) * d] = softmax(q @ k.T / np.sqrt(d) + mask) @ v
    return out @ weights[f"{name}.out_proj.weight"].T + weights[f"{name}.out_proj.bias"]


def transformer(x, weights, prefix, mask, eps, heads):
    layer = 0
    while f"{prefix}.{layer}.ln_1.weight" in weights:
        name = f"{prefix}.{layer}"
        x = x + attention(layer_norm(x, weights, f"{name}.ln_1", eps), weights, f"{name}.attn", heads, mask)
        h = layer_norm(x, weights, f"{name}.ln_2", eps)
        h = gelu_quick(h @ weights[f"{name}.mlp.c_fc.weight"].T + weights[f"{name}.mlp.c_fc.bias"])
        x = x + h @ weights[f"{name}.mlp.c_proj.weight"].T + weights[f"{name}.mlp.c_proj.bias"]
        layer += 1
    return x


def encode_image(image, weights):
    """(3, H, W) normalised to (D,)."""
    kernel = weights["clip.visual.conv1.weight"]
    width, _, p, _ = kernel.shape
    rows, columns = image.shape[1] // p, image.shape[2] // p
    patches = [
        [np.tensordot(kernel, image[:, r * p : (r + 1) * p, c * p : (c + 1) * p], 3) for c in range(columns)]
        for r in range(rows)
    ]
    x = np.concatenate(
        [weights["clip.visual.class_embedding"][None], np.reshape(patches, (rows * columns, width))]
    )
    x = layer_norm(x + weights["clip.visual.positional_embedding"], weights, "clip.visual.ln_pre", 1e-5)
    x = transformer(x, weights, "clip.visual.transformer.resblocks", 0.0, 1e-5, width // 64)
    return layer_norm(x[0], weights, "clip.visual.ln_post", 1e-5) @ weights["clip.visual.proj"]


def encode_text(ids, weights):
    """(W,) to sentence (D,) and words (W, D)."""
    W = len(ids)
    x = weights["clip.token_embedding.weight"][ids] + weights["clip.positional_embedding"][:W]
    mask = np.where(np.tri(W, dtype=bool), 0.0, -np.inf)
    x = transformer(x, weights, "clip.transformer.resblocks", mask, 1e-5, x.shape[1] // 64)
    words = layer_norm(x, weights, "clip.ln_final", 1e-5) @ weights["clip.text_projection"]
    return words[ids.argmax()], words


def temporal(frames, mask, weights):
    """(T, D) raw frames of one video, mask (T,)."""
    if "lstm_visual.weight_ih_l0" in weights:
        return lstm(frames, weights) + frames
    if "frame_position_embeddings.weight" not in weights:
        return frames
    x = frames + weights["frame_position_embeddings.weight"][: len(frames)]
    keys = np.where(mask > 0, 0.0, -1e6)[None, :]
    x = transformer(x, weights, "transformerClip.resblocks", keys, 1e-12, frames.shape[1] // 64)
    return x + frames


def lstm(frames, weights):
    """One layer, gates in torch's order: input, forget, cell, output."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    D = frames.shape[1]
    hidden, cell, out = np.zeros(D), np.zeros(D), []
    for x in frames:
        gates = weights["lstm_visual.weight_ih_l0"] @ x + weights["lstm_visual.bias_ih_l0"]
        gates = gates + weights["lstm_visual.weight_hh_l0"] @ hidden + weights["lstm_visual.bias_hh_l0"]
        i, f, g, o = np.split(gates, 4)
        cell = sigmoid(f) * cell + sigmoid(i) * np.tanh(g)
        hidden = sigmoid(o) * np.tanh(cell)
        out.append(hidden)
    return np.stack(out)


def video_vector(frames, mask, weights):
    y = temporal(frames, mask, weights)
    if "frameLinear.weight" in weights:
        h = np.maximum(y @ weights["frameLinear.weight"].T + weights["frameLinear.bias"], 0)
        logits = h @ weights["frameLinear2.weight"][0] + weights["frameLinear2.bias"]
        return unit((softmax(logits / 0.1)[:, None] * unit(y)).sum(0))
    return unit(unit(y)[mask > 0].mean(0))


def attend(x, matrix):
    """(n,) similarities to one number."""
    return float((softmax(x / 0.01) @ matrix) @ x)


def xclip_score(sentence, words, frames, video, weights):
    """One text, one video; raw vectors except `video`."""
    s, w, f = unit(sentence), unit(words), unit(frames)
    fine = w @ weights["local_mat_weight"] @ f.T  # (W, T)
    by_frame = np.array([attend(column, weights["word_mat_weight"]) for column in fine.T])
    by_word = np.array([attend(row, weights["frame_mat_weight"]) for row in fine])
    parts = (
        s @ weights["global_mat_weight"] @ video,
        attend(w @ video, weights["word_logit_weight"]),
        attend(f @ s, weights["frame_logit_weight"]),
        (attend(by_frame, weights["frame_mat_weight2"]) + attend(by_word, weights["word_mat_weight2"])) / 2,
    )
    return sum(parts) / 4


def similarity(weights, ids, video, mask):
    """(N, V) without the logit scale, of texts (N, W) and videos (V, T, 3, H, W) with masks (V, T)."""
    weights = {name: np.asarray(value, dtype=np.float64) for name, value in weights.items()}
    texts = [encode_text(row, weights) for row in ids]
    scores = np.zeros((len(ids), len(video)))
    for v, images in enumerate(np.asarray(video, dtype=np.float64)):
        frames = np.stack([encode_image(image, weights) for image in images])
        vector = video_vector(frames, mask[v], weights)
        for n, (sentence, words) in enumerate(texts):
            if "global_mat_weight" in weights:
                scores[n, v] = xclip_score(sentence, words, frames, vector, weights)
            else:
                scores[n, v] = unit(sentence) @ vector
    return scores
