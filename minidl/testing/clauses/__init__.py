"""The clauses of the contract checkers, in the order in which they are checked.

A clause stands before those that its fault would bring down too, so that the first one reported
names the fault and the others follow from it: a layer that writes to its input seems to draw at
random, one that draws from a stream of its own seems to have wrong gradients, and one that adds to
a gradient has wrong ones. The tests hold the order to every wrong example that they have.
"""

from __future__ import annotations

from minidl.testing.clauses import (
    arrays,
    copies,
    description,
    inference,
    loss_calls,
    loss_weights,
    losses,
    metrics,
    nets,
    numbers,
    optimizer_state,
    optimizers,
    passes,
    references,
    schedulers,
    transforms,
)
from minidl.testing.suite import named

CLAUSES = named((
    # What a call gives, and what it does to what it was given.
    numbers.shapes, description.output_shape, numbers.finite, numbers.dtype, arrays.arguments_kept,
    # Whether a layer is the same when made again, and when it is handed the same in another layout.
    arrays.reproducible, arrays.memory_layout,
    # What a call leaves behind, in the layer and in the arrays that it lent.
    inference.inference_repeats, inference.inference_pure, passes.one_backward,
    arrays.lent_until_next_forward, arrays.inference_gives, inference.inference_between,
    inference.inference_threads, arrays.parameter_views, passes.gradients_assigned, passes.repeatable,
    # What the numbers are.
    numbers.precision, numbers.nan_comes_through, references.reference, references.training_reference,
    numbers.input_gradient, numbers.parameter_gradients, references.reference_gradients,
    numbers.backward_parameters, numbers.linear_in_dy, passes.rows_alone, inference.inference_is_training,
    # Whether other batches and other instances leave them so, and copies keep them.
    passes.batch_sizes, passes.latest_forward, passes.instances_apart, passes.frozen_parameters,
    copies.initialize, copies.deep_copies, copies.pickled_copies,
    # Whether what a file holds is what is there, and comes back.
    description.config, description.parts_stay, copies.saved_and_loaded, passes.allocation,
))  # fmt: skip
"""A layer's clauses by name, in the order they are checked; each docstring says what it demands."""

LOSS_CLAUSES = named((
    losses.shapes, losses.training_and_inference, losses.dtype, loss_calls.arguments_kept,
    loss_calls.kinds_of_labels, loss_calls.wrong_labels_refused, loss_calls.wrong_targets_refused,
    loss_calls.memory_layout, loss_calls.inference_pure, loss_calls.one_backward,
    loss_calls.lent_until_next_forward, loss_calls.used_equals_fresh, losses.order_of_samples,
    losses.precision, losses.nan_comes_through, losses.extreme_scores, references.loss_reference,
    losses.gradient, losses.gradient_far_out, losses.mean_over_batch, losses.probabilities,
    # What it knows of its targets, of weights and of what is worth watching.
    loss_weights.targets_checked, loss_weights.weights, loss_weights.wrong_weights_refused,
    loss_weights.weighted_gradient, loss_weights.total_weight, loss_weights.metrics, loss_calls.copies,
))  # fmt: skip

NET_CLAUSES = named((
    nets.arguments_kept, nets.inference_pure, nets.lent_until_next_forward, nets.parts_in_one_vector,
    nets.inputs_converted, nets.inference, nets.chunks, nets.training_pass, nets.weights, nets.gradients,
    nets.learns,
))  # fmt: skip

OPTIMIZER_CLAUSES = named((
    optimizers.gradients_read_only, optimizers.values_in_place, optimizers.deterministic,
    optimizer_state.state_in_place, optimizers.padding_stays_zero, optimizers.zero_gradient,
    optimizers.precision, optimizers.descends, references.optimizer_reference, optimizers.learning_rate,
    optimizers.every_number, optimizers.dtype, optimizer_state.state_round_trip, optimizer_state.copies,
    optimizer_state.one_net, optimizer_state.frozen_parameters,
))  # fmt: skip

SCHEDULER_CLAUSES = named((
    schedulers.finite_and_not_negative, references.scheduler_reference, schedulers.closed_form,
    schedulers.keeps_no_state, schedulers.takes_integers, schedulers.composes, schedulers.copies,
))  # fmt: skip

METRIC_CLAUSES = named((*metrics.OF_EVERY_METRIC, metrics.metric_reference))

TRANSFORM_CLAUSES = named((
    transforms.arguments_kept, transforms.shapes_and_dtypes, transforms.draws_from_rng,
    transforms.keeps_no_state, transforms.copies,
))  # fmt: skip
