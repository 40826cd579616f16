"""sae-lens' BatchTopK SAE with a training step that touches only the latents that are active.

Of 8,192 latents about 32 are active at a token, yet the plain step runs dense products of
[token, latent] forth and back. Here one of them stays (which latents are active?); the others
become products with a sparse matrix. Loss and gradients are those of sae-lens, but the loss that
revives dead latents looks at every fourth token.
"""

from __future__ import annotations

import warnings
from typing import Any

import torch
from sae_lens import BatchTopKTrainingSAE
from sae_lens.saes.sae import TrainStepInput, TrainStepOutput

SAMPLE_STRIDE = 509  # a prime, so that the sample does not follow a few latents
REVIVAL_STRIDE = 4  # the revival loss is dense; sae-lens' looks at every token


class SparseBatchTopKSae(BatchTopKTrainingSAE):  # type: ignore[misc]
    """A BatchTopK SAE for CPUs; it centres nothing (`apply_b_dec_to_input=False`)."""

    def training_forward_pass(self, step_input: TrainStepInput) -> TrainStepOutput:
        """Return the loss of one batch [token, state]; its activations are sparse COO."""
        x, norm = step_input.sae_in, self.get_W_dec_norm().detach()
        with torch.no_grad():
            scores = torch.addmm(self.b_enc * norm, x, self.W_enc * norm)
            flat, kept = heaviest(scores, int(self.cfg.k * len(x)))
        active = torch.stack([flat // self.cfg.d_sae, flat % self.cfg.d_sae])
        with torch.autocast(x.device.type, enabled=False):
            pre = kept / norm[active[1]]
            out = _Reconstruct.apply(x, self.W_enc, self.b_enc, self.W_dec, active, pre)
            out = out + self.b_dec
            mse = (out - x).square().sum(dim=-1).mean()
        aux = self._revival_loss(x, (x - out).detach(), step_input.dead_neuron_mask)
        activations = torch.sparse_coo_tensor(
            active, kept, scores.shape, is_coalesced=True, check_invariants=False
        )
        self.update_topk_threshold(kept)
        losses = {"mse_loss": mse, "auxiliary_reconstruction_loss": aux}
        metrics = {"topk_threshold": self.topk_threshold}
        return TrainStepOutput(x, out, activations, scores, mse + aux, losses, metrics)

    def _revival_loss(
        self, x: torch.Tensor, residual: torch.Tensor, dead_mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Return the auxiliary loss by which dead latents learn what the live ones miss.

        sae-lens' `calculate_topk_aux_loss` of every `REVIVAL_STRIDE`-th token, computed over the
        dead latents alone.
        """
        if dead_mask is None or not dead_mask.any():
            return residual.new_zeros(())
        x, residual = x[::REVIVAL_STRIDE], residual[::REVIVAL_STRIDE]
        dead = dead_mask.nonzero().squeeze(1)
        wanted = x.shape[1] // 2
        pre = torch.addmm(self.b_enc[dead], x, self.W_enc[:, dead]).float()
        norm = self.get_W_dec_norm()[dead].detach()
        picks = (pre * norm).topk(min(wanted, len(dead)), sorted=False).indices
        codes = torch.zeros_like(pre).scatter(1, picks, pre.gather(1, picks))
        loss = (codes @ self.W_dec[dead] - residual).square().sum(dim=-1).mean()
        scaled: torch.Tensor = self.cfg.aux_loss_coefficient * min(len(dead) / wanted, 1.0) * loss
        return scaled


def heaviest(scores: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the flat places (ascending) and values (float32) of the `n` largest scores above 0.

    A sample bounds the cut from below, so that the exact choice is made among few candidates.
    """
    flat = scores.flatten()
    sample = flat[::SAMPLE_STRIDE].float()
    share = min(1.0, 1.5 * n / len(flat) + 10 / len(sample))
    floor = (
        torch.quantile(sample, 1 - share).clamp(min=0.0)
        if len(sample) > 100
        else sample.new_zeros(())
    )
    places = (flat > floor).nonzero().squeeze(1)
    if len(places) < n and floor > 0:  # the sample misled
        places = (flat > 0).nonzero().squeeze(1)
    values = flat[places].float()
    if len(places) > n:
        chosen = values.topk(n, sorted=False).indices.sort().values
        places, values = places[chosen], values[chosen]
    return places, values


class _Reconstruct(torch.autograd.Function):
    """`pre @ w_dec` for the pre-activations at `active` ([2, n]: rows, columns) alone."""

    @staticmethod
    def forward(ctx: Any, *inputs: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
        x, _, _, w_dec, active, pre = inputs
        ctx.save_for_backward(*inputs)
        return _csr(active, pre, (len(x), len(w_dec))) @ w_dec

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # noqa: ANN401
        x, w_enc, b_enc, w_dec, active, pre = ctx.saved_tensors
        grad, shape = grads[0].contiguous(), (len(x), len(w_dec))
        zeros = _csr(active, torch.zeros_like(pre), shape)
        d_pre = torch.sparse.sampled_addmm(zeros, grad, w_dec.T).values()
        by_latent = active[1].argsort(stable=True)
        turned = active[:, by_latent].flip(0)
        d_dec = _csr(turned, pre[by_latent], shape[::-1]) @ grad
        d_enc = (_csr(turned, d_pre[by_latent], shape[::-1]) @ x).T
        d_bias = torch.zeros_like(b_enc).index_add_(0, active[1], d_pre)
        return None, d_enc, d_bias, d_dec, None, None


def _csr(places: torch.Tensor, values: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Return a sparse matrix of `values` at `places`, which are sorted by row."""
    starts = torch.bincount(places[0], minlength=shape[0]).cumsum(0)
    starts = torch.cat([starts.new_zeros(1), starts])
    columns = places[1].contiguous()
    with warnings.catch_warnings():  # torch's word, once in a process, that these are in beta
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        return torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=False)
