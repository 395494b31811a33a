/* command_experiment.c - see command_experiment.h. */
#include "command_experiment.h"

struct experiment_options command_experiment_options(const struct globals *globals,
						     uint64_t jobs)
{
	return (struct experiment_options){
		.project_root = globals->project_root,
		.build_dir = globals->build_dir,
		.results_dir = globals->results_dir,
		.cache_path = globals->cache_path,
		.cache_max_bytes = globals->cache_max_bytes,
		.uri = globals->uri,
		.accelerator = globals->accelerator,
		.jobs = (uint32_t)jobs,
		.program = globals->program,
	};
}
