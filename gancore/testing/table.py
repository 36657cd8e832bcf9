"""All checks, by kind of plugin: the functions of the files beside this one, in the order in which they run.

To add one, write a function that takes a `Subject` and yields findings, and name it here.
"""

from collections.abc import Callable, Iterator, Mapping

from gancore.testing import (
    analyses,
    batches,
    copies,
    datasets,
    declarations,
    devices,
    features,
    files,
    gradients,
    growth,
    inputs,
    labels,
    latents,
    observing,
    options,
    outputs,
    penalties,
    precision,
    randomness,
    repeats,
    scores,
    second_order,
    signs,
    sizes,
    trains,
    updates,
    words,
)
from gancore.testing.finding import Finding
from gancore.testing.subject import Subject

Check = Callable[[Subject], Iterator[Finding]]
"""Builds the plugin, uses it on small inputs, and yields findings. An exception of the plugin becomes a finding."""

DECLARED: tuple[Check, ...] = (
    declarations.options_have_names_of_their_own,
    declarations.provides_is_a_set_of_words,
    declarations.requires_says_what_and_why,
    declarations.problems_are_sentences,
)
"""Before the plugin is built."""

OF_EVERY_KIND: tuple[Check, ...] = (
    randomness.the_process_is_left_as_it_is,
    randomness.torch_is_not_seeded,
    options.every_option_is_read,
    options.every_option_changes_something,
    options.schedules_are_followed,
)

OF_WHAT_TAKES_LONG: tuple[Check, ...] = (
    randomness.the_process_is_left_as_it_is,
    options.every_option_is_read,
)
"""Of every kind, too, without those that try many options."""

OF_CALLS: tuple[Check, ...] = (
    outputs.outputs_have_their_shape,
    outputs.outputs_of_flat_and_of_large_inputs_are_finite,
    inputs.inputs_are_left_as_they_are,
    repeats.the_same_inputs_give_the_same_outputs,
    gradients.gradients_reach_the_inputs,
    sizes.other_sizes_work,
    precision.bfloat16_is_close_to_float32,
)
"""Of what is computed from tensors."""

OF_MODULES: tuple[Check, ...] = (
    outputs.logged_values_are_numbers,
    gradients.parameters_are_registered,
    gradients.gradients_reach_every_parameter,
    gradients.parameter_groups_have_own_parameters,
    repeats.first_weights_come_from_the_seed,
    copies.copies_do_the_same,
    devices.it_is_built_on_the_meta_device,
    trains.it_trains,
)
"""Of parts that live in a network, or beside one."""

CHECKS: Mapping[str, tuple[Check, ...]] = {
    "normalization": (
        *OF_CALLS,
        devices.it_runs_where_its_inputs_are,
        *OF_MODULES,
        *OF_EVERY_KIND,
        repeats.evaluation_changes_nothing,
        second_order.derivatives_are_those_of_the_function,
        batches.parts_are_normalized_apart,
        words.provided_words_are_declared,
        words.conditions_are_true,
    ),
    "generator": (
        *OF_CALLS,
        devices.it_runs_where_its_inputs_are,
        *OF_MODULES,
        *OF_WHAT_TAKES_LONG,
        repeats.evaluation_changes_nothing,
        batches.samples_are_painted_apart,
        latents.images_follow_latents_and_labels,
        latents.truncation_pulls_to_the_mean,
        latents.noise_comes_from_the_draw,
        latents.moving_averages_wait_for_the_end_of_a_step,
        words.provided_words_are_declared,
        words.styles_are_true,
        words.ws_are_true,
        words.pyramid_is_true,
        words.sites_are_those_of_the_network,
        growth.growing_paints_as_its_stage_says,
        growth.reals_have_the_form_of_images,
        trains.microbatches_have_the_gradient_of_the_batch,
    ),
    "discriminator": (
        *OF_CALLS,
        devices.it_runs_where_its_inputs_are,
        *OF_MODULES,
        *OF_WHAT_TAKES_LONG,
        repeats.evaluation_changes_nothing,
        batches.parts_are_judged_apart,
        labels.logits_follow_images_and_labels,
        words.provided_words_are_declared,
        words.outputs_are_true,
        words.sites_are_those_of_the_network,
        growth.growing_judges_as_its_stage_says,
    ),
    "regularizer": (
        *OF_CALLS,
        *OF_MODULES,
        *OF_EVERY_KIND,
        penalties.it_does_something,
        penalties.a_penalty_changes_its_network,
        penalties.a_penalty_has_its_own_gradient,
        penalties.a_penalty_leaves_the_networks_alone,
        penalties.a_penalty_follows_the_draw,
        penalties.a_penalty_is_a_mean,
        penalties.mixing_changes_ws_by_the_draw,
        penalties.a_constraint_can_be_applied,
        trains.microbatches_have_the_gradient_of_the_batch,
    ),
    "loss": (
        *OF_CALLS,
        devices.it_runs_where_its_inputs_are,
        *OF_MODULES,
        *OF_EVERY_KIND,
        second_order.derivatives_are_those_of_the_function,
        batches.losses_are_means,
        signs.d_learns_to_tell_reals_from_fakes,
        signs.g_learns_to_be_taken_for_real,
        words.reals_are_needed_as_declared,
        trains.microbatches_have_the_gradient_of_the_batch,
    ),
    "augmentation": (
        *OF_CALLS,
        *OF_MODULES,
        *OF_EVERY_KIND,
        batches.samples_are_augmented_apart,
        batches.scales_are_augmented_alike,
        trains.microbatches_have_the_gradient_of_the_batch,
    ),
    "latent": (
        outputs.outputs_have_their_shape,
        repeats.the_same_inputs_give_the_same_outputs,
        sizes.other_sizes_work,
        batches.samples_are_drawn_apart,
        copies.copies_do_the_same,
        *OF_EVERY_KIND,
        trains.it_trains,
    ),
    "optimizer": (
        updates.it_has_a_rate,
        updates.weights_follow_their_gradients,
        updates.a_larger_rate_is_a_larger_step,
        updates.settings_have_the_rate,
        updates.what_has_no_gradient_stays,
        updates.its_state_is_kept_in_tensors,
        updates.its_moments_are_counted,
        updates.it_skips_as_it_says,
        *OF_EVERY_KIND,
        trains.it_trains,
    ),
    "dataset": (
        datasets.items_have_one_order,
        datasets.the_first_items_can_be_read,
        datasets.names_are_unlike,
        datasets.labels_fit_the_class_names,
        datasets.sources_exist,
        datasets.strange_files_are_not_its_own,
        datasets.notes_are_lines,
        datasets.the_engine_opens_it,
        *OF_EVERY_KIND,
    ),
    "metric": (
        scores.a_protocol_is_one_line,
        scores.values_are_finite_and_repeat,
        scores.values_are_declared,
        scores.the_order_of_images_does_not_matter,
        scores.shared_features_are_left_as_they_are,
        scores.better_images_score_better,
        scores.shortages_are_sentences,
        *OF_EVERY_KIND,
    ),
    "feature": (
        features.weights_are_named,
        features.each_image_is_seen_by_itself,
        features.images_of_every_size_are_seen,
        features.images_are_left_as_they_are,
        features.other_images_look_otherwise,
        features.a_distance_is_zero_between_equal_images,
        features.the_hash_follows_the_weights,
        *OF_EVERY_KIND,
    ),
    "analysis": (
        analyses.an_analysis_says_how_its_numbers_come_about,
        analyses.an_analysis_repeats,
        analyses.an_analysis_leaves_the_model_as_it_is,
        *OF_WHAT_TAKES_LONG,
    ),
    "observer": (observing.an_observer_sees_a_run_to_its_end,),
    "format": (
        files.a_format_reads_or_writes,
        files.a_format_has_a_title,
        files.strange_files_are_not_recognised,
        files.a_model_is_written_where_it_is_asked_for,
        files.what_is_written_can_be_read,
        *OF_WHAT_TAKES_LONG,
    ),
}
