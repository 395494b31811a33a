/* exact_policy.c - the policy of exact mode as the run store keeps it: one JSON
 * object, keys sorted, so that equal policies are equal texts.
 */
#include "exact.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "memory.h"

#define BY_BLOCK "block"
#define BY_INSTRUCTION "instruction"

char *exact_policy_format(const struct exact_policy *policy)
{
	return string_format("{\"by\":\"%s\",\"counts\":%s,\"jitter_us\":%u,"
			     "\"kaslr\":%s,\"profile\":%s,\"shift\":%u}",
			     policy->by_instruction ? BY_INSTRUCTION : BY_BLOCK,
			     policy->counts ? "true" : "false", policy->jitter_us,
			     policy->kaslr ? "true" : "false",
			     policy->profile ? "true" : "false", policy->shift);
}

static int take(const json_t *root, struct exact_policy *ret)
{
	const char *by = NULL;
	int counts, kaslr, profile;
	json_int_t shift, jitter_us;

	if (json_unpack_ex((json_t *)root, NULL, JSON_STRICT,
			   "{s:s, s:b, s:I, s:b, s:b, s:I}", "by", &by, "counts",
			   &counts, "jitter_us", &jitter_us, "kaslr", &kaslr,
			   "profile", &profile,
			   "shift", &shift))
		return -EINVAL;
	if (shift < 0 || shift > EXACT_SHIFT_MAX || jitter_us < 0 ||
	    jitter_us > EXACT_JITTER_MAX_US ||
	    (strcmp(by, BY_BLOCK) && strcmp(by, BY_INSTRUCTION)))
		return -EINVAL;
	*ret = (struct exact_policy){
		.shift = (uint32_t)shift,
		.counts = counts,
		.by_instruction = !strcmp(by, BY_INSTRUCTION),
		.profile = profile,
		.kaslr = kaslr,
		.jitter_us = (uint32_t)jitter_us,
	};
	return 0;
}

int exact_policy_parse(const char *text, struct exact_policy *ret)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int r = root ? take(root, ret) : -EINVAL;

	json_decref(root);
	return r;
}
