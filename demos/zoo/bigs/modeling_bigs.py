"""BiGS in torch, as `transformers` models for hidden words and for classes.

Junxiong Wang, Jing Nathan Yan, Albert Gu and Alexander M. Rush, "Pretraining Without Attention", arXiv:2212.10544,
following the authors' released code. What attention does in BERT is done here by two long convolutions for each layer,
one reading forwards and one backwards, whose kernels are the impulse responses of diagonal state-space models; their
outputs are multiplied. Letters in shape comments: B rows of the batch, T tokens, E width, I inner width, N states.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import initialization as init
from transformers.utils import ModelOutput

from .configuration_bigs import BigsConfig

# Up to so many tokens a product with the kernel's Toeplitz matrix is faster than the Fourier transform.
LONGEST_PRODUCT = 1024


@dataclass
class BigsOutput(ModelOutput):
    """`kernels`: for each layer (2, T), the forward and the backward direction's response to one token, by distance."""

    last_hidden_state: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    kernels: tuple[Tensor, ...] | None = None


@dataclass
class BigsHeadOutput(ModelOutput):
    """What a head makes of a text; `kernels` as in BigsOutput."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    kernels: tuple[Tensor, ...] | None = None


class StateSpace(nn.Module):
    """One diagonal state-space model (S4D, Gu et al. 2022), the same for all channels: a kernel for a long convolution.

    K[l] = Re sum_n C_n (e^(step A_n) - 1) / A_n e^(step A_n l), and the input itself comes through times `skip`.
    """

    def __init__(self, config: BigsConfig) -> None:
        super().__init__()
        self.span = config.step_min, config.step_max
        self.kernel_decay = nn.Parameter(torch.empty(config.state_size))  # real parts of A
        self.kernel_frequency = nn.Parameter(torch.empty(config.state_size))  # imaginary parts of A
        self.kernel_output = nn.Parameter(torch.empty(config.state_size, 2))  # C
        self.kernel_log_step = nn.Parameter(torch.empty(1))
        self.kernel_skip = nn.Parameter(torch.empty(1))

    def kernel(self, length: int) -> Tensor:
        """The response to one token after 0 to length - 1 further ones, the skip included; always in float32."""
        decay = self.kernel_decay.float().clamp(max=-1e-4)
        pole = torch.complex(decay, self.kernel_frequency.float())
        step = self.kernel_log_step.float().exp()
        weight = torch.view_as_complex(self.kernel_output.float()) * ((step * pole).exp() - 1) / pole
        time = torch.arange(length, device=decay.device)
        # Re(w e^((a + ib) l)) in real numbers: half the work of complex ones.
        fading = (step * decay)[:, None] * time
        turning = (step * self.kernel_frequency.float())[:, None] * time
        waves = weight.real[:, None] * turning.cos() - weight.imag[:, None] * turning.sin()
        return (fading.exp() * waves).sum(0) + F.pad(self.kernel_skip.float(), (0, length - 1))

    @torch.no_grad()
    def reset(self) -> None:
        init.constant_(self.kernel_decay, -0.5)
        init.copy_(self.kernel_frequency, math.pi * torch.arange(len(self.kernel_frequency)))
        init.normal_(self.kernel_output, std=0.5**0.5)
        init.uniform_(self.kernel_log_step, math.log(self.span[0]), math.log(self.span[1]))
        init.normal_(self.kernel_skip)


def toeplitz(kernel: Tensor) -> Tensor:
    """(T,) -> (T, T), the matrix whose product with a sequence is its causal convolution with the kernel."""
    length = len(kernel)
    return F.pad(kernel.flip(0), (0, length - 1)).unfold(0, length, 1).flip(0)


def convolve(inputs: Tensor, kernel: Tensor, *, backward: bool) -> Tensor:
    """(B, T, E) with (T,): each place gathers what stands before it, or behind it, weighted by distance."""
    length = len(kernel)
    if length <= LONGEST_PRODUCT:
        matrix = toeplitz(kernel).to(inputs.dtype)
        return torch.bmm((matrix.T if backward else matrix).expand(len(inputs), -1, -1), inputs)
    spectrum = torch.fft.rfft(kernel, 2 * length)
    if backward:  # correlation instead of convolution
        spectrum = spectrum.conj()
    mixed = torch.fft.rfft(inputs.float(), 2 * length, dim=1) * spectrum[:, None]
    return torch.fft.irfft(mixed, 2 * length, dim=1)[:, :length].to(inputs.dtype)


class BigsLayer(nn.Module):
    def __init__(self, config: BigsConfig) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.gate = nn.Linear(width, inner)
        self.into_forward = nn.Linear(width, width)
        self.into_backward = nn.Linear(width, width)
        self.forward_space = StateSpace(config)
        self.backward_space = StateSpace(config)
        self.from_forward = nn.Linear(width, width)
        self.from_backward = nn.Linear(width, width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)

    def forward(self, hidden: Tensor, real: Tensor | None) -> tuple[Tensor, Tensor]:
        """`real` (B, T, 1) is zero at padding. Returns the hidden states (B, T, E) and both kernels (2, T)."""
        normed = self.norm(hidden)
        gate = F.gelu(self.gate(normed))
        before, behind = F.gelu(self.into_forward(normed)), F.gelu(self.into_backward(normed))
        if real is not None:
            # A linear system at rest stays at rest while its input is zero: padding leaves no trace.
            before, behind = before * real, behind * real
        forward_kernel = self.forward_space.kernel(hidden.shape[1])
        backward_kernel = self.backward_space.kernel(hidden.shape[1])
        # The released code reverses the text for the backward direction and reverses the result; weighing what
        # stands behind is the same.
        before = self.from_forward(convolve(before, forward_kernel, backward=False))
        behind = self.from_backward(convolve(behind, backward_kernel, backward=True))
        mixed = F.gelu(self.up(before * behind)) * gate
        return hidden + self.down(mixed), torch.stack([forward_kernel, backward_kernel])


class BigsPreTrainedModel(PreTrainedModel):
    config_class = BigsConfig
    base_model_prefix = "model"
    _no_split_modules: ClassVar = ["BigsLayer"]
    # Frequencies reach 200 and are multiplied by distances: half precision would turn the far end of a kernel to noise.
    _keep_in_fp32_modules_strict: ClassVar = ["forward_space", "backward_space"]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            init.normal_(module.weight, std=self.config.initializer_range)
            if getattr(module, "bias", None) is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, StateSpace):
            module.reset()


class BigsModel(BigsPreTrainedModel):
    """Token ids to hidden states."""

    def __init__(self, config: BigsConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.embed_tokens = nn.Embedding(config.vocab_size, width)
        self.embed_positions = nn.Embedding(config.max_position_embeddings, width)
        self.embed_types = nn.Embedding(config.type_vocab_size, width)
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.dropout)
        self.layers = nn.ModuleList(BigsLayer(config) for _ in range(config.num_hidden_layers))
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        return self.embed_tokens

    def set_input_embeddings(self, value: nn.Embedding) -> None:
        self.embed_tokens = value

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        output_hidden_states: bool | None = None,
        output_kernels: bool = False,
        **_: Any,
    ) -> BigsOutput:
        """`attention_mask` (B, T) marks real tokens; padding may stand on either side and changes nothing."""
        if inputs_embeds is None:
            inputs_embeds = self.embed_tokens(input_ids)
        length, limit = inputs_embeds.shape[1], self.config.max_position_embeddings
        if length > limit:
            raise ValueError(f"the text has {length} tokens; this model reads at most {limit}")
        real: Tensor | None = None
        if attention_mask is not None and not bool(attention_mask.all()):
            real = attention_mask[:, :, None].to(inputs_embeds.dtype)
            positions = (attention_mask.long().cumsum(1) - 1).clamp(min=0)
        else:
            positions = torch.arange(length, device=inputs_embeds.device)[None]
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(positions)
        hidden = inputs_embeds + self.embed_positions(positions) + self.embed_types(token_type_ids)
        hidden = self.dropout(self.norm(hidden))
        hidden_states, kernels = [hidden], []
        for layer in self.layers:
            hidden, pair = layer(hidden, real)
            hidden_states.append(hidden)
            kernels.append(pair)
        return BigsOutput(
            last_hidden_state=hidden,
            hidden_states=tuple(hidden_states) if output_hidden_states else None,
            kernels=tuple(kernels) if output_kernels else None,
        )


class BigsForMaskedLM(BigsPreTrainedModel):
    _tied_weights_keys: ClassVar = {"lm_head.weight": "model.embed_tokens.weight"}

    def __init__(self, config: BigsConfig) -> None:
        super().__init__(config)
        self.model = BigsModel(config)
        self.transform = nn.Linear(config.hidden_size, config.hidden_size)
        # Not `norm`: a checkpoint's loader would take it for the model's.
        self.transform_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        return self.lm_head

    def set_output_embeddings(self, value: nn.Linear) -> None:
        self.lm_head = value

    def head(self, hidden: Tensor) -> Tensor:
        """Hidden states (..., E) to logits over the vocabulary."""
        return self.lm_head(self.transform_norm(F.gelu(self.transform(hidden))))

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | None = None,
        output_kernels: bool = False,
        **_: Any,
    ) -> BigsHeadOutput:
        """`labels` (B, T) are -100 where nothing is asked."""
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            inputs_embeds=inputs_embeds,
            output_hidden_states=output_hidden_states,
            output_kernels=output_kernels,
        )
        logits = self.head(output.last_hidden_state)
        loss = None if labels is None else F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        return BigsHeadOutput(loss=loss, logits=logits, hidden_states=output.hidden_states, kernels=output.kernels)


class BigsForSequenceClassification(BigsPreTrainedModel):
    """Classes of a text from the mean of its hidden states, padding left out."""

    def __init__(self, config: BigsConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.model = BigsModel(config)
        self.pooler = nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | None = None,
        output_kernels: bool = False,
        **_: Any,
    ) -> BigsHeadOutput:
        output = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            inputs_embeds=inputs_embeds,
            output_hidden_states=output_hidden_states,
            output_kernels=output_kernels,
        )
        hidden = output.last_hidden_state
        real = torch.ones_like(hidden[..., :1]) if attention_mask is None else attention_mask[:, :, None].to(hidden)
        mean = (hidden * real).sum(1) / real.sum(1)
        logits = self.classifier(self.dropout(torch.tanh(self.pooler(mean))))
        loss = None if labels is None else F.cross_entropy(logits.float(), labels)
        return BigsHeadOutput(loss=loss, logits=logits, hidden_states=output.hidden_states, kernels=output.kernels)
