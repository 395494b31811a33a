/* kernel_inputs.h - everything that a kernel spec names, read: patches,
 * fragments, toolchain; and the key that follows from it.
 */
#ifndef KERNGATE_ENGINE_KERNEL_INPUTS_H
#define KERNGATE_ENGINE_KERNEL_INPUTS_H

#include <jansson.h>

#include "hash.h"
#include "kernel_patches.h"
#include "kernel_spec.h"

struct kernel_inputs {
	const struct kernel_spec *spec;  /* borrowed from the caller */
	const char *cc;                  /* borrowed from spec, or the default */
	struct kernel_patches patches;
	struct config_requests requests;
	struct strvec fragment_digests;  /* one a fragment of the spec */
	char *requests_text;             /* owned */
	char *toolchain;                 /* owned */
	char key[SHA256_HEX_SIZE];
};

void kernel_inputs_release(struct kernel_inputs *inputs);
/* Errors name the file. */
int kernel_inputs_load(const struct kernel_spec *spec,
		       struct kernel_inputs *ret_inputs,
		       struct error *err) must_check;

/* "linux-7.3 + pe-fixes (base vm pe-on), 7.3.4"; owned. */
char *kernel_inputs_describe(const struct kernel_inputs *inputs,
			     const char *version);
/* New references. */
json_t *kernel_inputs_patches_json(const struct kernel_inputs *inputs);
json_t *kernel_inputs_fragments_json(const struct kernel_inputs *inputs);

#endif
