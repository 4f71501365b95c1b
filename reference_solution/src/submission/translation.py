"""Translate French into English: with one encoder layer (4a), and with a decoder-only Transformer (4b, 4c).

The file stands on its own: it needs nothing of the other problems. Read it from top to bottom; what is yours to write
is marked with the part of the handout that it belongs to.

Letters in the shape comments: B sentences in a batch, T tokens in each, C channels (the width), nh heads, hs = C / nh
channels per head, S tokens that can be looked at, V words of a vocabulary. Wherever sentences of different lengths
share a batch, PAD fills them up, and must not change what comes out at the real tokens.

After Vaswani and others, *Attention is all you need* (2017). Equations are those of the handout.
"""

import math
import random
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

# ----------------------------------------------------------------------------------------------------------------------
# Words and their indices
# ----------------------------------------------------------------------------------------------------------------------

MARKS = ("<pad>", "<bos>", "<sep>", "<eos>", "<unk>")
PAD, BOS, SEP, EOS, UNK = range(len(MARKS))
LONGEST = 14  # tokens of a sentence in either language


class Vocabulary:
    """The words of a text, each with its index: first the five marks, then the words in alphabetical order."""

    def __init__(self, words):
        self.words = [*MARKS, *words]
        self.indices = {word: index for index, word in enumerate(self.words)}

    @classmethod
    def from_lines(cls, lines):
        """The vocabulary of these sentences, whose words are separated by spaces."""
        return cls(sorted({word for line in lines for word in line.split()}))

    def __len__(self):
        return len(self.words)

    def encode(self, sentence):
        """The indices of a sentence's words, UNK for the unknown ones."""
        return [self.indices.get(word, UNK) for word in sentence.split()]

    def decode(self, indices):
        """The sentence that these indices spell, without its marks."""
        return " ".join(self.words[index] for index in indices if index >= len(MARKS))


def padded(rows, side="right"):
    """Lists of indices -> (B, T), filled up with PAD on the right or on the left."""
    length = max(len(row) for row in rows)
    fill = [[PAD] * (length - len(row)) for row in rows]
    return torch.tensor([row + pad if side == "right" else pad + row for row, pad in zip(rows, fill, strict=True)])


# ----------------------------------------------------------------------------------------------------------------------
# Sizes
# ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sizes:
    """How large a model is. width is a multiple of heads."""

    width: int
    heads: int
    layers: int = 1
    block_size: int = 2 * LONGEST + 4  # of the decoder: French, English, and the marks around them
    dropout: float = 0.0


@dataclass(frozen=True)
class Recipe:
    """The numbers of one training."""

    epochs: int
    batch_size: int
    learning_rate: float
    warmup: float = 0.05  # the share of all steps in which the learning rate climbs from 0; then it falls to 0 again
    weight_decay: float = 0.01


# ----------------------------------------------------------------------------------------------------------------------
# 4a: an encoder that translates
# ----------------------------------------------------------------------------------------------------------------------


class EncoderTranslator(nn.Module):
    """One layer of the paper's encoder, with a word of the target language for each position of the source.

    Each of its two sublayers is followed by a residual connection and a layer norm: LayerNorm(x + Sublayer(x)).
    """

    def __init__(self, source_size, target_size, sizes):
        super().__init__()
        C = sizes.width
        self.heads = sizes.heads
        self.token = nn.Embedding(source_size, C)
        self.position = nn.Embedding(sizes.block_size, C)
        # The projections of all heads at once: head i reads columns i * hs to (i + 1) * hs of each result.
        self.query, self.key, self.value, self.mix = (nn.Linear(C, C) for _ in range(4))
        self.attention_norm = nn.LayerNorm(C)
        self.widen, self.narrow = nn.Linear(C, 4 * C), nn.Linear(4 * C, C)
        self.feed_forward_norm = nn.LayerNorm(C)
        self.output = nn.Linear(C, target_size)

    def embed(self, tokens):
        """Token embedding plus position embedding: (B, T) indices -> (B, T, C). Positions count from 0."""
        # [part 4a] Both tables are made above.
        ### START_CODE_HERE ###
        # canary: 4c1fa97e20d86b35
        positions = torch.arange(tokens.size(1), device=tokens.device)  # (T,)
        return self.token(tokens) + self.position(positions)  # (B, T, C) + (T, C) -> (B, T, C)
        ### END_CODE_HERE ###

    def multi_head_attention(self, x, padding):
        """The first sublayer, with its residual connection and layer norm: (B, T, C) -> (B, T, C).

        Each head computes softmax(Q K^T / sqrt(hs)) V (eq. 4.1); `mix` goes over their results side by side (eq. 4.2).
        padding is (B, T), True where a token is PAD: nobody looks at those, so that their scores are -infinity before
        the softmax. An encoder has no other mask: every real token sees every other, before and behind it.
        """
        # [part 4a] Split the channels into heads, attend, join the heads, mix; then x + ..., then attention_norm.
        ### START_CODE_HERE ###
        # canary: d8e3057b1a94f26c
        B, T, C = x.shape
        hs = C // self.heads
        q = self.query(x).view(B, T, self.heads, hs).transpose(1, 2)  # (B, T, C) -> (B, nh, T, hs)
        k = self.key(x).view(B, T, self.heads, hs).transpose(1, 2)
        v = self.value(x).view(B, T, self.heads, hs).transpose(1, 2)
        scores = q @ k.transpose(-2, -1) / hs**0.5  # (B, nh, T, T)
        scores = scores.masked_fill(padding[:, None, None, :], float("-inf"))
        heads = F.softmax(scores, dim=-1) @ v  # (B, nh, T, T) x (B, nh, T, hs) -> (B, nh, T, hs)
        y = heads.transpose(1, 2).flatten(2)  # (B, nh, T, hs) -> (B, T, nh, hs) -> (B, T, C)
        return self.attention_norm(x + self.mix(y))
        ### END_CODE_HERE ###

    def feed_forward(self, x):
        """The second sublayer: max(0, x W1 + b1) W2 + b2 (eq. 4.3), its residual connection and its layer norm."""
        # [part 4a] widen is W1 and b1, narrow is W2 and b2.
        ### START_CODE_HERE ###
        # canary: 61b72fd5c8093ea4
        inner = F.relu(self.widen(x))  # (B, T, C) -> (B, T, 4C)
        return self.feed_forward_norm(x + self.narrow(inner))
        ### END_CODE_HERE ###

    def final_layer(self, x):
        """Logits over the target's words: (B, T, C) -> (B, T, target_size). No softmax: the loss has one."""
        # [part 4a]
        ### START_CODE_HERE ###
        # canary: f5a20c6e9b73d148
        return self.output(x)
        ### END_CODE_HERE ###

    def forward(self, tokens):
        """(B, T) indices of French words -> (B, T, target_size) logits of English ones."""
        return self.final_layer(self.feed_forward(self.multi_head_attention(self.embed(tokens), tokens == PAD)))

    def use_word_vectors(self, matrix):
        """Let the rows of a (V, C) matrix be the token embeddings from now on; training may go on changing them."""
        # [part 4a] Copy the numbers into the table that there is, without recording a gradient.
        ### START_CODE_HERE ###
        # canary: 0e94b81f6d2c57a3
        with torch.no_grad():
            self.token.weight.copy_(matrix)
        ### END_CODE_HERE ###


def load_word_vectors(path, vocabulary):
    """A row for each word of the vocabulary, from a file of pretrained vectors: (V, C), float32.

    A word that the file has gets its vector. A word that it lacks, and each mark but PAD, gets the mean of all vectors
    of the file: that of an average word. PAD gets zeros.
    """
    vectors = read_vectors(path)  # word -> list of C numbers
    # [part 4a] Do as the docstring says. vocabulary.words has the words in the order of their indices.
    ### START_CODE_HERE ###
    # canary: 92c4d6e8a01b3f75
    mean = torch.tensor(list(vectors.values())).mean(dim=0)  # (number of vectors, C) -> (C,)
    rows = [torch.tensor(vectors[word]) if word in vectors else mean for word in vocabulary.words]
    rows[PAD] = torch.zeros_like(mean)
    return torch.stack(rows)
    ### END_CODE_HERE ###


class VectorsError(ValueError):
    """A file of word vectors that cannot be read; the message is one sentence that says where and why."""


def read_vectors(path):
    """Word -> numbers, from word2vec's text or binary format, as gensim's KeyedVectors write them, or from GloVe's.

    Word2vec's formats begin with a line of two numbers, how many words there are and how long each vector is; GloVe's
    text has no such line. A file whose name ends in .bin is binary. VectorsError for anything else.
    """
    with open(path, "rb") as file:
        vectors = dict(_binary_vectors(path, file) if str(path).endswith(".bin") else _text_vectors(path, file))
    if not vectors:
        raise VectorsError(f"{path}: holds no vectors")
    return vectors


def _binary_vectors(path, file):
    """(word, numbers) of each word: a word, a space, and four bytes for each number; a line feed may follow."""
    words, size = _head(path, file.readline().split())
    for number in range(1, words + 1):
        word, data = _word_before_space(file), file.read(4 * size)
        if len(data) < 4 * size:
            raise VectorsError(
                f"{path}: ends within vector {number}, but its first line says {words} of {size} numbers"
            )
        try:
            yield word.decode("utf-8"), torch.frombuffer(bytearray(data), dtype=torch.float32).tolist()
        except UnicodeDecodeError:
            raise VectorsError(f"{path}: word {number} is not UTF-8 text; is the file a binary one?") from None


def _word_before_space(file):
    """The next word of a binary file."""
    letters = bytearray()
    while (letter := file.read(1)) not in (b" ", b""):
        letters += letter
    return letters.lstrip(b"\n")


def _text_vectors(path, file):
    """(word, numbers) of each line."""
    try:
        lines = file.read().decode("utf-8").rstrip().split("\n")
    except UnicodeDecodeError:
        raise VectorsError(f"{path}: is not UTF-8 text; the name of a binary file must end in .bin") from None
    rows = [line.rstrip().split(" ") for line in lines if line]
    size = len(rows[0]) - 1 if rows else 0
    first = 1
    if size == 1:
        words, size = _head(path, rows.pop(0))
        first = 2
        if len(rows) != words:
            raise VectorsError(f"{path}: has {len(rows)} vectors, but its first line says {words}")
    for number, (word, *numbers) in enumerate(rows, first):
        try:
            vector = [float(each) for each in numbers]
        except ValueError as problem:
            raise VectorsError(f"{path}, line {number}: {problem}; a word and {size} numbers are expected") from None
        if len(vector) != size:
            raise VectorsError(f"{path}, line {number}: a word and {size} numbers are expected, not {len(vector)}")
        yield word, vector


def _head(path, numbers):
    """How many words, and how many numbers for each, as the first line of word2vec's formats tells."""
    try:
        words, size = map(int, numbers)
    except ValueError:
        words = size = 0
    if words < 1 or size < 1:
        raise VectorsError(f"{path}, line 1: how many words, and how many numbers for each, are expected")
    return words, size


# ----------------------------------------------------------------------------------------------------------------------
# 4b: a decoder-only Transformer from its parts
# ----------------------------------------------------------------------------------------------------------------------


class Memory:
    """Keys and values of one attention layer, for all tokens that it has read: nothing is computed twice."""

    def __init__(self):
        self.keys = self.values = None

    def extend(self, keys, values):
        """Add those of new tokens, (B, nh, T, hs) each; return all there are, (B, nh, S, hs) each."""
        old = self.keys is not None
        self.keys = torch.cat([self.keys, keys], dim=2) if old else keys
        self.values = torch.cat([self.values, values], dim=2) if old else values
        return self.keys, self.values


class Cache:
    """What a decoder remembers between two calls: which tokens it has read were real, and a Memory for each block."""

    def __init__(self, layers):
        self.real = None
        self.memories = [Memory() for _ in range(layers)]

    def read(self, real):
        """Add new tokens, (B, T), True where one is not PAD; return all there are, (B, S)."""
        self.real = real if self.real is None else torch.cat([self.real, real], dim=1)
        return self.real


class Embedding(nn.Module):
    """Words and places as vectors."""

    def __init__(self, vocabulary_size, sizes):
        super().__init__()
        self.token = nn.Embedding(vocabulary_size, sizes.width)
        self.position = nn.Embedding(sizes.block_size, sizes.width)

    def forward(self, tokens, positions):
        """Token embedding plus position embedding: (B, T) indices and (B, T) places -> (B, T, C)."""
        # [part 4b]
        ### START_CODE_HERE ###
        # canary: 7a3d0b5f8e16c924
        return self.token(tokens) + self.position(positions)
        ### END_CODE_HERE ###


def causal_mask(real, T):
    """Who may look at whom: (B, S) -> (B, 1, T, S), True where the last T tokens may look at each of all S.

    real is True where a token is not PAD. A token looks at itself, and at the real tokens before it. (At itself even
    if it is PAD: a softmax over nothing is not a number.) For one sentence of 4 tokens, the first of them PAD:

        T = 4:  1 0 0 0     T = 2:
                0 1 0 0
                0 1 1 0             0 1 1 0
                0 1 1 1             0 1 1 1
    """
    # [part 4b] With T < S, the first row belongs to token S - T.
    ### START_CODE_HERE ###
    # canary: b60e84c3f7d5129a
    S = real.size(1)
    k = torch.arange(S, device=real.device)  # (S,)
    q = k[S - T :, None]  # (T, 1)
    return ((k <= q) & real[:, None, None, :]) | (k == q)  # (T, S) & (B, 1, 1, S) -> (B, 1, T, S)
    ### END_CODE_HERE ###


class CausalAttention(nn.Module):
    """Multi-headed attention to oneself and to what came before (eq. 4.1 and 4.2, with a mask)."""

    def __init__(self, sizes):
        super().__init__()
        self.heads = sizes.heads
        self.query, self.key, self.value, self.mix = (nn.Linear(sizes.width, sizes.width) for _ in range(4))

    def forward(self, x, allowed, memory=None):
        """(B, T, C) -> (B, T, C).

        allowed is (B, 1, T, S), True where a query may look at a key. Without a memory, keys and values are those of
        x, and S = T. With one, they are all that it knows once it was extended with those of x.
        """
        # [part 4b] Split the channels into heads, attend, join the heads, mix. Scores are -infinity before the softmax
        #   where a key is not allowed. Residual connection and norm are in Block.
        ### START_CODE_HERE ###
        # canary: 35f9c7a1e42d806b
        B, T, C = x.shape
        hs = C // self.heads
        q = self.query(x).view(B, T, self.heads, hs).transpose(1, 2)  # (B, T, C) -> (B, nh, T, hs)
        k = self.key(x).view(B, T, self.heads, hs).transpose(1, 2)
        v = self.value(x).view(B, T, self.heads, hs).transpose(1, 2)
        if memory is not None:
            k, v = memory.extend(k, v)  # (B, nh, S, hs)
        scores = q @ k.transpose(-2, -1) / hs**0.5  # (B, nh, T, S)
        weights = F.softmax(scores.masked_fill(~allowed, float("-inf")), dim=-1)
        y = (weights @ v).transpose(1, 2).flatten(2)  # (B, nh, T, hs) -> (B, T, C)
        return self.mix(y)
        ### END_CODE_HERE ###


class Block(nn.Module):
    """One layer: attention, then a feed-forward network, each behind a layer norm and beside a residual connection."""

    def __init__(self, sizes):
        super().__init__()
        C = sizes.width
        self.attention_norm, self.feed_forward_norm = nn.LayerNorm(C), nn.LayerNorm(C)
        self.attention = CausalAttention(sizes)
        self.feed_forward = nn.Sequential(nn.Linear(C, 4 * C), nn.GELU(), nn.Linear(4 * C, C))
        self.drop = nn.Dropout(sizes.dropout)

    def forward(self, x, allowed, memory=None):
        """x + drop(Sublayer(LayerNorm(x))), for both sublayers in turn: (B, T, C) -> (B, T, C). See eq. 4.4."""
        # [part 4b] allowed and memory are attention's.
        ### START_CODE_HERE ###
        # canary: c18d6e2b94a7f053
        x = x + self.drop(self.attention(self.attention_norm(x), allowed, memory))
        return x + self.drop(self.feed_forward(self.feed_forward_norm(x)))
        ### END_CODE_HERE ###


class Head(nn.Module):
    """The last layer: a layer norm, and a logit for each word."""

    def __init__(self, vocabulary_size, sizes):
        super().__init__()
        self.norm = nn.LayerNorm(sizes.width)
        self.output = nn.Linear(sizes.width, vocabulary_size, bias=False)

    def forward(self, x):
        """(B, T, C) -> (B, T, V)."""
        # [part 4b]
        ### START_CODE_HERE ###
        # canary: 2f7b91d4c60ea835
        return self.output(self.norm(x))
        ### END_CODE_HERE ###


class DecoderTransformer(nn.Module):
    """Embedding, blocks, head: a language model that goes on with what it is given."""

    def __init__(self, vocabulary_size, sizes):
        super().__init__()
        self.sizes = sizes
        self.embedding = Embedding(vocabulary_size, sizes)
        self.drop = nn.Dropout(sizes.dropout)
        self.blocks = nn.ModuleList(Block(sizes) for _ in range(sizes.layers))
        self.head = Head(vocabulary_size, sizes)
        self.apply(_initialize)

    def forward(self, tokens, cache=None):
        """(B, T) -> (B, T, V): logits of the word that comes after each token.

        With a cache, the tokens go on where those of earlier calls with it have ended. Positions count real tokens
        alone, from 0: PAD on the left of a sentence moves none of its words. (PAD itself has position 0 at least.)
        """
        real = tokens != PAD
        seen = real if cache is None else cache.read(real)
        memories = [None] * len(self.blocks) if cache is None else cache.memories
        # [part 4b] From `seen`, (B, S), True where a token is real: the T positions, and with causal_mask what is
        #   allowed. Then the embedding, drop, the blocks, each with its memory of the cache, and the head.
        ### START_CODE_HERE ###
        # canary: e7504ab2d9f8361c
        T = tokens.size(1)
        positions = (seen.cumsum(dim=1) - 1).clamp(min=0)[:, -T:]  # (B, S) -> (B, T)
        allowed = causal_mask(seen, T)  # (B, 1, T, S)
        x = self.drop(self.embedding(tokens, positions))  # (B, T, C)
        for number, block in enumerate(self.blocks):
            x = block(x, allowed, memories[number])
        return self.head(x)
        ### END_CODE_HERE ###


def _initialize(module):
    """GPT's start: small normal weights, no biases."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear) and module.bias is not None:
        nn.init.zeros_(module.bias)


@torch.no_grad()
def greedy_decode(model, prompts, limit):
    """Go on with each prompt, a list of indices, by the word of the largest logit, again and again.

    Returns the new tokens of each prompt: up to the first EOS, which is left out, and `limit` of them at most. Prompts
    of different lengths share a batch, with PAD on their left, so that all go on at its right edge. Each token is read
    once: with a Cache, every call is given the new tokens alone.
    """
    model.eval()
    tokens = padded(prompts, side="left").to(next(model.parameters()).device)  # (B, T)
    cache = Cache(len(model.blocks))
    # [part 4b] In the first call the model reads `tokens` with the cache, then one more token of each sentence at a
    #   time. Stop when all sentences have met EOS.
    ### START_CODE_HERE ###
    # canary: 8b26f03d7ec5a914
    written = []
    going = torch.ones(len(prompts), dtype=torch.bool, device=tokens.device)  # sentences without EOS so far
    while len(written) < limit and going.any():
        logits = model(tokens, cache)  # (B, T) -> (B, T, V)
        tokens = logits[:, -1].argmax(dim=-1, keepdim=True)  # (B, V) -> (B, 1)
        written.append(tokens)
        going &= tokens[:, 0] != EOS
    rows = torch.cat(written, dim=1).tolist() if written else [[] for _ in prompts]
    return [row[: row.index(EOS)] if EOS in row else row for row in rows]
    ### END_CODE_HERE ###


# ----------------------------------------------------------------------------------------------------------------------
# 4c: from scratch, and from a pretrained start
# ----------------------------------------------------------------------------------------------------------------------


def pair_example(french, english):
    """What the decoder reads, and what it should answer at each place, for a pair of encoded sentences.

    For the French words F1 F2 and the English words E1 E2, with . for PAD:

        x    BOS  F1   F2   SEP  E1   E2
        y    .    .    .    E1   E2   EOS

    The loss passes over PAD: the model is taught to write English, not to write French.
    """
    # [part 4c] Return the lists x and y.
    ### START_CODE_HERE ###
    # canary: 59e1a7c4083fdb62
    prompt, answer = [BOS, *french, SEP], [*english, EOS]
    return prompt + answer[:-1], [PAD] * (len(prompt) - 1) + answer
    ### END_CODE_HERE ###


def next_word_loss(logits, targets):
    """Mean negative log likelihood of the targets that are not PAD: (B, T, V) and (B, T) -> a number."""
    # [part 4a, 4c] F.cross_entropy can leave an index out.
    ### START_CODE_HERE ###
    # canary: a3c85d0e176f9b24
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)
    ### END_CODE_HERE ###


@torch.no_grad()
def perplexity(model, examples, batch_size=64):
    """exp(total negative log likelihood / number of targets that are not PAD), over all examples (x, y) together.

    Batches have different numbers of such targets, so a mean of the batches' means is something else.
    """
    model.eval()
    # [part 4a, 4c] batches_of(examples, batch_size) gives pairs of tensors, (B, T) each.
    ### START_CODE_HERE ###
    # canary: 16d9f42b83ac7e50
    total, count = 0.0, 0
    for x, y in batches_of(examples, batch_size):
        known = int((y != PAD).sum())
        total += float(next_word_loss(model(x), y)) * known
        count += known
    return math.exp(total / count)
    ### END_CODE_HERE ###


def train(model, examples, recipe, path=None):
    """Train the model on examples (x, y) by the recipe, and write its state dict to `path`, if one is given.

    Returns the loss of each step.
    """
    # [part 4a, 4c] optimise does the steps; it needs to know how the loss of a batch is computed.
    ### START_CODE_HERE ###
    # canary: 70b3e95f2c1d84a6
    losses = optimise(model, examples, recipe, lambda x, y: next_word_loss(model(x), y))
    if path is not None:
        torch.save(model.state_dict(), path)
    return losses
    ### END_CODE_HERE ###


def from_checkpoint(path, vocabulary_size, sizes):
    """A DecoderTransformer that starts where another one's training has ended: with the state dict in the file."""
    # [part 4c] The file may not run code: torch.load(path, weights_only=True).
    ### START_CODE_HERE ###
    # canary: dc4207f8b59e6a13
    model = DecoderTransformer(vocabulary_size, sizes)
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return model
    ### END_CODE_HERE ###


# ----------------------------------------------------------------------------------------------------------------------
# Given: batches and steps
# ----------------------------------------------------------------------------------------------------------------------


def batches_of(examples, batch_size):
    """Pairs of tensors x and y, (B, T) each, filled up with PAD on the right; the last batch may be smaller."""
    examples = list(examples)
    for at in range(0, len(examples), batch_size):
        xs, ys = zip(*examples[at : at + batch_size], strict=True)
        yield padded(xs), padded(ys)


def optimise(model, examples, recipe, loss_of):
    """Take recipe.epochs times all examples, in random batches; after each, one step of AdamW on loss_of(x, y).

    `examples` is a list, or a function that makes the list anew for each epoch. Returns the loss of each step.
    """
    model.train()
    make = examples if callable(examples) else lambda: examples
    steps = recipe.epochs * math.ceil(len(make()) / recipe.batch_size)
    climb = max(1, int(recipe.warmup * steps))
    adam = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    share = lambda step: min((step + 1) / climb, (steps - step) / max(1, steps - climb))  # noqa: E731
    rate = torch.optim.lr_scheduler.LambdaLR(adam, share)
    losses = []
    for _ in range(recipe.epochs):
        for x, y in batches_of(random.sample(order := make(), len(order)), recipe.batch_size):
            loss = loss_of(x, y)
            adam.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            adam.step()
            rate.step()
            losses.append(loss.item())
    return losses
