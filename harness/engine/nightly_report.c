/* nightly_report.c - what is left behind for people: the run's report, the index of all
 * nights; and what goes.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "files.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"
#include "report_html.h"
#include "results_index.h"
#include "results_prune.h"

static int write_report(struct night_work *work, struct error *err)
{
	cleanup_with(comparison_release) struct comparison comparison = { .entries = NULL };
	cleanup_strbuf struct strbuf text = STRBUF_INIT;
	cleanup_free char *folder = run_store_run_folder(work->store, work->run.id);
	cleanup_free char *path = path_join(folder, "report.html");
	bool has_figures = true;
	int rc = comparison_make(work->store, &work->run, NULL, &comparison, err);

	if (!rc)
		rc = report_html_write(work->store, &work->run, &comparison, &text, &has_figures,
				       err);
	if (rc)
		return error_prefix(err, "report of run %s", work->run.id);
	if (!has_figures)
		night_note(work, "gnuplot is not installed: the report has no figures");
	rc = file_write_atomic(path, text.data, text.length, 0644);
	if (rc)
		return error_set_errno(err, rc, "%s: cannot be written", path);
	work->night->report = take_pointer(path);
	return 0;
}

static int prune(struct night_work *work, struct error *err)
{
	const struct results_prune_policy policy = {
		.keep_days = work->request->keep_days, .max_bytes = work->request->keep_bytes,
	};
	struct results_pruned pruned = { .trials_count = 0 };
	int rc = results_prune(work->store, &policy, &pruned, err);

	if (!rc && pruned.trials_count)
		night_note(work, "artifacts of %zu trials were removed (%" PRIu64 " MiB), %" PRIu64
			   " MiB are left", pruned.trials_count, pruned.bytes >> 20,
			   pruned.left_bytes >> 20);
	return rc;
}

/* One that fails does not keep the others from being done. */
int night_report(struct night_work *work, struct error *err)
{
	struct error causes[3] = { ERROR_INIT, ERROR_INIT, ERROR_INIT };
	int codes[3] = { 0, 0, 0 };

	if (work->is_judged)
		codes[0] = write_report(work, &causes[0]);
	codes[1] = results_index_write(work->store, &causes[1]);
	codes[2] = prune(work, &causes[2]);
	for (size_t i = 0; i < ARRAY_COUNT(codes); i++)
		if (codes[i])
			return error_set(err, codes[i], "%s", causes[i].message);
	return 0;
}
