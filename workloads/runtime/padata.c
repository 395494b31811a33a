/* padata.c - sets padata's module parameters, and puts them back. */
#include <string.h>
#include <unistd.h>

#include "padata.h"
#include "workload.h"

#define PARAMETERS "/sys/module/padata/parameters/"

static struct setting {
	const char *path;
	char before[32];          /* its text; empty: not ours to put back */
} in_system = { .path = PARAMETERS "max_helpers" },
  in_node = { .path = PARAMETERS "max_helpers_per_node" },
  raising = { .path = PARAMETERS "raise" };

bool padata_is_present(void)
{
	return access(in_system.path, F_OK) == 0;
}

static void setting_write(struct setting *setting, int64_t value)
{
	int result = 0;

	if (!*setting->before)
		result = text_read(setting->path, setting->before,
				   sizeof(setting->before));
	if (result < 0) {
		*setting->before = '\0';
		workload_broken("reading %s: %s", setting->path,
				strerror(-result));
	}
	text_write_or_broken(setting->path, "%lld", (long long)value);
}

/* Forgets what it puts back before it tries, so that the cleanup of a workload
 * that ends here does not try again. */
static void setting_restore(struct setting *setting)
{
	char before[sizeof(setting->before)];

	memcpy(before, setting->before, sizeof(before));
	*setting->before = '\0';
	if (*before)
		text_write_or_broken(setting->path, "%s", before);
}

void padata_helpers_set(int64_t count)
{
	if (count == PADATA_HELPERS_KEEP || !padata_is_present())
		return;
	setting_write(&in_system, count);
	setting_write(&in_node, count);
}

void padata_raise_set(bool is_raising)
{
	if (padata_is_present())
		setting_write(&raising, is_raising);
}

void padata_helpers_restore(void)
{
	setting_restore(&in_system);
	setting_restore(&in_node);
	setting_restore(&raising);
}
