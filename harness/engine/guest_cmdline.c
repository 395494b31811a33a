/* guest_cmdline.c - see guest_cmdline.h. */
#include "guest_cmdline.h"

#define QUIET_MARGIN_S 10

char *guest_cmdline(const struct strvec *variant,
		    const struct workload_info *const *workloads, size_t rows_count)
{
	cleanup_strvec struct strvec words = STRVEC_INIT;
	cleanup_strbuf struct strbuf text = STRBUF_INIT;

	strvec_copy(&words, variant);
	for (size_t i = 0; i < rows_count; i++) {
		const struct strvec *needed = &workloads[i]->kernel_arguments;

		for (size_t j = 0; j < needed->count; j++)
			if (!strvec_contains(&words, needed->items[j]))
				strvec_push(&words, needed->items[j]);
	}
	for (size_t i = 0; i < words.count; i++)
		strbuf_addf(&text, "%s%s", i ? " " : "", words.items[i]);
	return strbuf_detach(&text);
}

uint32_t guest_quiet_s(const struct suite *suite)
{
	uint32_t longest_s = 0;

	for (size_t i = 0; i < suite->rows_count; i++)
		if (suite->rows[i].timeout_s > longest_s)
			longest_s = suite->rows[i].timeout_s;
	return longest_s + QUIET_MARGIN_S;
}
