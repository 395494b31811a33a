/* command_experiment.h - what commands that run experiments have in common. */
#ifndef KERNGATE_COMMANDS_COMMAND_EXPERIMENT_H
#define KERNGATE_COMMANDS_COMMAND_EXPERIMENT_H

#include "command.h"
#include "experiment.h"

/* The global options, and --jobs (0: as many as CPUs); all else is as the campaign
 * says. Borrows what globals borrow. */
struct experiment_options command_experiment_options(const struct globals *globals,
						     uint64_t jobs);

#endif
