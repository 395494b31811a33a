/* nightly_hook.c - a command of the user's is given the verdict, as JSON on its standard
 * input. The same JSON stays as results/nights/ID.json.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "files.h"
#include "log.h"
#include "memory.h"
#include "nightly_private.h"
#include "process.h"

static int write_json(const struct nightly *night, const char *results_dir, char **ret_path)
{
	cleanup_free char *folder = path_join(results_dir, "nights");
	cleanup_free char *name = string_format("%s.json", night->record.id), *text = NULL;
	cleanup_free char *path = path_join(folder, name);
	json_t *object = nightly_render_json(night, results_dir);
	int rc = folder_make(folder);

	text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	json_decref(object);
	if (!rc)
		rc = text ? file_write_atomic(path, text, strlen(text), 0644) : -EILSEQ;
	if (!rc)
		*ret_path = path_absolute(path);
	return rc;
}

/* What fails or hangs is told and changes nothing: the status is of the kernels. */
void night_hook(const struct nightly_request *request, struct nightly *night,
		const char *results_dir)
{
	/* $1 is the file, $2 the command */
	const char *argv[] = { "/bin/sh", "-c", "exec /bin/sh -c \"$2\" <\"$1\"", "hook", NULL,
			       NULL, NULL };
	const struct process_options options = {
		.timeout_ns = request->hook_timeout_ns ? request->hook_timeout_ns :
							  NIGHT_HOOK_SECONDS * NS_PER_SECOND,
	};
	cleanup_free char *path = NULL;
	struct error err = ERROR_INIT;
	int rc = write_json(night, results_dir, &path);

	if (rc) {
		log_warning("nights/%s.json: %s", night->record.id, strerror(-rc));
		return;
	}
	/* who interrupted it knows; and no program is started any more */
	if (!request->hook || process_is_cancelled())
		return;
	argv[4] = path;
	argv[5] = request->hook;
	if (process_run(argv, &options, NULL, &err)) {
		log_warning("the hook failed: %s", err.message);
		strvec_pushf(&night->notes, "the hook failed: %.*s",
			     (int)strcspn(err.message, "\n"), err.message);
	}
}
