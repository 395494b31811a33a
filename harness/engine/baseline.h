/* baseline.h - one variant of a run as figures of its boots, small enough to be kept in
 * a file that git tracks: results/baselines/NAME.json. docs/history.md has the format.
 */
#ifndef KERNGATE_ENGINE_BASELINE_H
#define KERNGATE_ENGINE_BASELINE_H

#include "error.h"
#include "run_figures.h"
#include "run_store.h"
#include "strbuf.h"

#define BASELINE_FORMAT 1

struct baseline_metric {
	struct metric_info info;     /* owned */
	struct boot_figure *figures; size_t count; /* owned; by boot */
};

struct baseline_row {
	char *name, *workload, *arguments; /* owned */
	struct baseline_metric *metrics; size_t count; /* owned; by name */
};

struct baseline_cell {
	char *guest, *suite;         /* owned */
	char *conditions;            /* sorted "key=value\n" lines; owned; NULL: the boots do
					not agree */
	uint32_t finished;           /* boots */
	uint32_t bad;                /* of them: crashed, failed or timed out */
	struct baseline_row *rows; size_t count; /* owned; by name */
};

struct baseline {
	char *run_id, *campaign, *variant; /* owned */
	enum run_mode mode;
	uint64_t started_wall_ns;
	struct baseline_cell *cells; size_t count; /* owned; by guest and suite */
};

void baseline_release(struct baseline *baseline);

/* label NULL: the run's last variant (the A/A copy apart). -ENOENT names the nearest. */
int baseline_from_run(struct run_store *store, const struct stored_run *run,
		      const char *label, struct baseline *ret, struct error *err) must_check;

/* The file's text: canonical, so that equal baselines are equal bytes; appended. */
void baseline_format(const struct baseline *baseline, struct strbuf *out);
/* The other way round. -EINVAL with "file:line:column: " and what was expected;
 * -EPROTO: a newer format. */
int baseline_parse(const char *file_name, const char *text, size_t length,
		   struct baseline *ret, struct error *err) must_check;

/* RESULTS/baselines/NAME.json; owned. */
char *baseline_path(const char *results_dir, const char *name);
/* Reads that file. -ENOENT: there is none. */
int baseline_load(const char *results_dir, const char *name, struct baseline *ret,
		  struct error *err) must_check;
/* Reads any file. */
int baseline_load_file(const char *path, struct baseline *ret, struct error *err) must_check;
/* Writes it. -EINVAL: not a name; -EEXIST where it is there already, unless replace. */
int baseline_save(const char *results_dir, const char *name, const struct baseline *baseline,
		  bool replace, struct error *err) must_check;
/* Names of the baselines there are, sorted. None is no error. */
int baseline_names(const char *results_dir, struct strvec *ret_names,
		   struct error *err) must_check;

#endif
