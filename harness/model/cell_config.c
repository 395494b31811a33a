/* cell_config.c - the `cells` of a campaign > pairings of a guest shape with a
 * suite; one that counts vCPUs (`vcpus_counts`) becomes a cell for each.
 * docs/configs.md has the keys.
 */
#include "config_files.h"

#include <errno.h>
#include <string.h>

#include "memory.h"

#define PRIORITY_DEFAULT 5u
#define PRIORITY_MAX 9u

/* Where cells came from, in their order. */
struct cell_origins {
	struct strvec guests, suites;       /* files */
	const struct config_node **nodes;   /* borrowed; the array is owned */
};

static void cleanup_origins(struct cell_origins *origins)
{
	strvec_release(&origins->guests);
	strvec_release(&origins->suites);
	free(origins->nodes);
}

/* The path is kept in files for check_cells_differ. */
static int keep_file(const struct reference_kind *kind, const char *project_root,
		     const char *reference, const struct config_node *at,
		     struct strvec *files, struct error *err)
{
	cleanup_free char *path = NULL;
	int r = reference_resolve(kind, project_root, reference, at, &path, err);

	if (r < 0)
		return r;
	strvec_push(files, path);
	return 0;
}

/* --- vCPU counts ------------------------------------------------------------------- */

/* NUMA cells deal out the vCPUs of the shape as it is written. */
static int check_count_fits(const struct config_node *node,
			    const struct guest_spec *guest, uint32_t count,
			    struct error *err)
{
	if (!guest->cells_count || count == guest->vcpus_count)
		return 0;
	return config_error(err, -EINVAL, node,
			    "vcpus_counts: the NUMA cells of the guest '%s' "
			    "hold %u vCPUs, not %u", guest->name,
			    guest->vcpus_count, count);
}

/* counts has room for GUEST_VCPUS_MAX; list NULL: the shape's own number, once. */
static int read_counts(const struct config_node *list,
		       const struct guest_spec *guest, uint32_t *counts,
		       size_t *ret_count, struct error *err)
{
	counts[0] = guest->vcpus_count;
	for (size_t i = 0; list && i < list->count; i++) {
		const struct config_field field = {
			CONFIG_U32("vcpus_counts", &counts[i], 1, GUEST_VCPUS_MAX)
		};
		const struct config_node *node = list->items[i];
		int r = config_read_value(node, &field, err);

		if (r == 0 && i && counts[i] <= counts[i - 1])
			r = config_error(err, -EINVAL, node,
					 "vcpus_counts: expected more than %u "
					 "(ascending, none twice), found %u",
					 counts[i - 1], counts[i]);
		if (r == 0)
			r = check_count_fits(node, guest, counts[i], err);
		if (r < 0)
			return r;
	}
	*ret_count = list ? list->count : 1;
	return 0;
}

/* Results are told apart by the guest's name. */
static int scale_guest(const struct config_node *node, uint32_t count,
		       struct guest_spec *guest, struct error *err)
{
	char *name = string_format("%s-%ucpu", guest->name, count);

	free(guest->name);
	guest->name = name;
	guest->vcpus_count = count;
	if (config_expect_name(name))
		return config_error(err, -EINVAL, config_find(node, "guest"),
				    "vcpus_counts: the name '%s', made of the "
				    "guest's, is longer than 64", name);
	return 0;
}

/* --- one entry of the list --------------------------------------------------------- */

struct cell_entry {
	const struct config_node *node;
	char *guest, *suite;                /* references; owned */
	uint32_t counts[GUEST_VCPUS_MAX];
	size_t counts_count;
	uint32_t priority;
	bool is_scaled;                     /* vcpus_counts are there */
};

static void cleanup_entry(struct cell_entry *entry)
{
	free(entry->guest);
	free(entry->suite);
}

static int read_entry(const char *project_root, const struct config_node *node,
		      struct cell_entry *entry, struct error *err)
{
	cleanup_with(guest_spec_release) struct guest_spec guest = { .name = NULL };
	const struct config_node *counts = NULL;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("guest", &entry->guest, config_expect_reference),
		  .required = true },
		{ CONFIG_TEXT("suite", &entry->suite, config_expect_reference),
		  .required = true },
		{ CONFIG_LIST_OF("vcpus_counts", &counts, 1, GUEST_VCPUS_MAX) },
		{ CONFIG_U32("priority", &entry->priority, 1, PRIORITY_MAX) },
	};
	int r = config_read(node, "cell", fields, ARRAY_COUNT(fields), err);

	if (r < 0)
		return r;
	entry->node = node;
	entry->is_scaled = counts != NULL;
	r = guest_spec_read(project_root, entry->guest, config_find(node, "guest"),
			    &guest, err);
	if (r < 0)
		return r;
	return read_counts(counts, &guest, entry->counts, &entry->counts_count, err);
}

static int read_cell(const char *project_root, const struct cell_entry *entry,
		     size_t index, struct campaign_cell *cell,
		     struct cell_origins *origins, struct error *err)
{
	const struct config_node *guest = config_find(entry->node, "guest");
	const struct config_node *suite = config_find(entry->node, "suite");
	int r = keep_file(&reference_guest, project_root, entry->guest, guest,
			  &origins->guests, err);

	cell->priority = entry->priority;
	cell->is_scaled = entry->is_scaled;
	if (r == 0)
		r = keep_file(&reference_suite, project_root, entry->suite, suite,
			      &origins->suites, err);
	if (r == 0)
		r = guest_spec_read(project_root, entry->guest, guest, &cell->guest,
				    err);
	if (r == 0 && entry->is_scaled)
		r = scale_guest(entry->node, entry->counts[index], &cell->guest, err);
	if (r == 0)
		r = suite_read(project_root, entry->suite, suite, &cell->suite, err);
	if (r == 0)
		suite_set_vcpus(&cell->suite, cell->guest.vcpus_count);
	return r;
}

/* --- the list ---------------------------------------------------------------------- */

/* Results are told apart by names, so a name stands for one file. */
static int check_cells_differ(const struct campaign *campaign,
			      const struct cell_origins *origins, size_t first,
			      size_t second, struct error *err)
{
	const struct campaign_cell *a = &campaign->cells[first];
	const struct campaign_cell *b = &campaign->cells[second];
	bool same_guest = !strcmp(a->guest.name, b->guest.name);
	bool same_suite = !strcmp(a->suite.name, b->suite.name);
	const struct config_node *node = origins->nodes[second];
	cleanup_free char *where = config_where(origins->nodes[first], node);

	if (same_guest && strcmp(origins->guests.items[first],
				 origins->guests.items[second]) != 0)
		return config_error(err, -EINVAL, config_find(node, "guest"),
				    "another guest '%s', of another file, is "
				    "in the cell at %s", b->guest.name,
				    where);
	if (same_suite && strcmp(origins->suites.items[first],
				 origins->suites.items[second]) != 0)
		return config_error(err, -EINVAL, config_find(node, "suite"),
				    "another suite '%s', of another file, is "
				    "in the cell at %s", b->suite.name,
				    where);
	if (same_guest && same_suite)
		return config_error(err, -EINVAL, node,
				    "the cell of guest '%s' and suite '%s' is "
				    "there twice; first at %s",
				    b->guest.name, b->suite.name, where);
	return 0;
}

static int add_cells(const char *project_root, const struct cell_entry *entry,
		     struct campaign *campaign, struct cell_origins *origins,
		     struct error *err)
{
	for (size_t i = 0; i < entry->counts_count; i++) {
		size_t at = campaign->cells_count;
		int r;

		if (at == CELLS_MAX)
			return config_error(err, -EINVAL, entry->node,
					    "cells: expected at most %u in all, "
					    "those of vcpus_counts included",
					    CELLS_MAX);
		origins->nodes[at] = entry->node;
		campaign->cells_count++;
		r = read_cell(project_root, entry, i, &campaign->cells[at], origins,
			      err);
		for (size_t j = 0; r == 0 && j < at; j++)
			r = check_cells_differ(campaign, origins, j, at, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int cells_read(const char *project_root, const struct config_node *list,
	       struct campaign *campaign, struct error *err)
{
	cleanup_with(cleanup_origins) struct cell_origins origins = {
		.nodes = memory_alloc_array(CELLS_MAX, sizeof(*origins.nodes)),
	};
	int r = 0;

	campaign->cells = memory_alloc_array(CELLS_MAX, sizeof(*campaign->cells));
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		cleanup_with(cleanup_entry) struct cell_entry entry = {
			.priority = PRIORITY_DEFAULT
		};

		r = read_entry(project_root, list->items[i], &entry, err);
		if (r == 0)
			r = add_cells(project_root, &entry, campaign, &origins, err);
	}
	return r;
}

/* --- what the host has no CPUs for --------------------------------------------------- */

static bool wants_more(const struct campaign *campaign, size_t index,
		       uint32_t cpus_count)
{
	const struct campaign_cell *cell = &campaign->cells[index];

	return campaign->mode == MODE_TIMED && cell->is_scaled &&
	       !cell->guest.overcommit && cell->guest.vcpus_count > cpus_count;
}

int campaign_leave_out_cells(struct campaign *campaign, uint32_t cpus_count,
			     char **ret_note, struct error *err)
{
	cleanup_strbuf struct strbuf names = STRBUF_INIT;
	cleanup_free size_t *indexes = memory_alloc_array(campaign->cells_count,
							  sizeof(*indexes));
	size_t kept = 0;

	for (size_t i = 0; i < campaign->cells_count; i++)
		if (wants_more(campaign, i, cpus_count))
			strbuf_addf(&names, "%s%s/%s", names.length ? ", " : "",
				    campaign->cells[i].guest.name,
				    campaign->cells[i].suite.name);
		else
			indexes[kept++] = i;
	if (kept == 0)
		return error_set(err, -E2BIG, "campaign %s: no cell is left: all have "
				 "more vCPUs than the %u CPUs that this host has for "
				 "guests", campaign->name, cpus_count);
	*ret_note = NULL;
	if (kept == campaign->cells_count)
		return 0;
	*ret_note = string_format("left out, with more vCPUs than the %u CPUs that the "
				  "host has for guests: %s", cpus_count, names.data);
	campaign_keep_cells(campaign, indexes, kept);
	return 0;
}
