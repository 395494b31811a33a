/* replay_debug.c - see replay_debug.h. What is known from the world alone is found
 * before the guest starts (replay_stops.h); what hangs on the kernel when gdb is
 * started, and where a seed moved the kernel to when the guest is there.
 */
#include "replay_debug.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "debug_stops.h"
#include "files.h"
#include "fleet.h"
#include "log.h"
#include "memory.h"
#include "orc_frames.h"
#include "process.h"
#include "replay_stops.h"

#define VMLINUX_MAX_BYTES ((size_t)2 << 30)
#define MAP_MAX_BYTES ((size_t)64 << 20)

struct replay_debugger {
	const struct replay_world *world;           /* borrowed */
	const struct replay_debug_request *request; /* borrowed */
	struct replay_stops stops;
	bool has_stopped;       /* gdb said so */
};

void replay_debugger_free(struct replay_debugger *debugger)
{
	if (!debugger)
		return;
	replay_stops_release(&debugger->stops);
	free(debugger);
}

static void cleanup_debugger(struct replay_debugger **debugger)
{
	replay_debugger_free(*debugger);
}

int replay_debugger_new(const struct replay_world *world,
			const struct replay_debug_request *request,
			struct replay_debugger **ret_debugger, struct error *err)
{
	cleanup_with(cleanup_debugger) struct replay_debugger *debugger =
		memory_alloc(sizeof(*debugger));
	cleanup_free char *gdb = process_find_program("gdb");
	int rc = replay_stops_find(world, request->until, request->folder, &debugger->stops, err);

	if (!rc && !gdb)
		rc = error_set(err, -ENOENT, "gdb is not on this host (Debian package gdb)");
	if (rc)
		return rc;
	debugger->world = world;
	debugger->request = request;
	*ret_debugger = take_pointer(debugger);
	return 0;
}

/* --- the kernel ------------------------------------------------------------------------- */

/* Writes what gdb needs to unwind this kernel's stacks; without it gdb guesses. */
static char *write_frames(const struct replay_debugger *debugger, const char *vmlinux)
{
	cleanup_strbuf struct strbuf elf = STRBUF_INIT;
	cleanup_free char *path = path_join(debugger->request->folder, "frames.elf");
	cleanup_free char *data = NULL;
	struct error cause = ERROR_INIT;
	size_t length = 0;
	int rc = file_read(vmlinux, VMLINUX_MAX_BYTES, &data, &length);

	if (rc)
		error_set_errno(&cause, rc, "%s: cannot be read", vmlinux);
	else
		rc = orc_frames_make(data, length, &elf, &cause);
	if (!rc) {
		rc = file_write_atomic(path, elf.data, elf.length, 0644);
		if (rc)
			error_set_errno(&cause, rc, "%s: cannot be written", path);
	}
	if (!rc)
		return take_pointer(path);
	log_warning("%s: gdb can only guess at the kernel's call chains", cause.message);
	return NULL;
}

static int read_map(const char *vmlinux, char **ret_map, struct error *err)
{
	cleanup_free char *folder = path_folder(vmlinux);
	cleanup_free char *path = path_join(folder, "System.map");
	int rc = file_read(path, MAP_MAX_BYTES, ret_map, NULL);

	return rc ? error_set_errno(err, rc, "%s: cannot be read", path) : 0;
}

/* Goes to the first row and finds there where the seed moved the kernel to. */
static int add_search(const struct replay_debugger *debugger, const char *map,
		      struct strbuf *script, struct error *err)
{
	const struct replay_step *first_row = &debugger->stops.first_row;
	uint64_t address = debug_function_address(map, DEBUG_PAGE_FAULT_ENTRY);

	if (!address || !first_row->addresses_count)
		return error_set(err, -ENOENT, "the seed moved the kernel (exact: kaslr), and gdb "
				 "cannot find it: no %s", address ? "marker of a row in init" :
				 DEBUG_PAGE_FAULT_ENTRY " in its System.map");
	if (debugger->world->guest.vcpus_count > 1)
		log_warning("gdb stops before the first row to find the kernel that the seed "
			    "moved; with several vCPUs the guest is another from there on");
	debug_script_add_marker(script, first_row->mark, first_row->addresses,
				first_row->addresses_count, 0);
	debug_script_add_run(script, NULL);
	debug_script_add_offset(script, address);
	return 0;
}

static int add_kernel(const struct replay_debugger *debugger, const char *vmlinux,
		      const char *map, struct strbuf *script, struct error *err)
{
	cleanup_free char *frames = write_frames(debugger, vmlinux);
	int rc = 0;

	if (debugger->stops.first_row.mark)
		rc = add_search(debugger, map, script, err);
	debug_script_add_symbols(script, "symbol-file", vmlinux);
	if (frames)
		debug_script_add_symbols(script, "add-symbol-file", frames);
	return rc;
}

static void add_functions(struct replay_debugger *debugger, const char *map,
			  struct strbuf *script)
{
	const struct replay_world *world = debugger->world;
	struct debug_function *functions;
	size_t count;

	functions = debug_functions_find(map, world->findings, world->findings_count, &count);
	debug_script_add_functions(script, functions, count);
	debug_functions_free(functions, count);
	if (count)
		return;
	log_warning("this kernel has none of the functions that say such findings: gdb stops "
		    "at the start");
	free(take_pointer(debugger->stops.what));
}

/* --- the way ---------------------------------------------------------------------------- */

static void add_steps(const struct replay_debugger *debugger, struct strbuf *script)
{
	const struct replay_stops *stops = &debugger->stops;

	for (size_t i = 0; i < stops->steps_count; i++) {
		const struct replay_step *step = &stops->steps[i];
		const char *what = i + 1 == stops->steps_count ? stops->what : NULL;
		int64_t skip = replay_step_skip(stops, step);

		if (skip < 0) {
			debug_script_add_word(script, what);
			continue;
		}
		debug_script_add_marker(script, step->mark, step->addresses,
					step->addresses_count, (uint64_t)skip);
		debug_script_add_run(script, what);
	}
}

static int write_script(struct replay_debugger *debugger, const char *socket,
			const char *vmlinux, struct strbuf *script, struct error *err)
{
	struct replay_stops *stops = &debugger->stops;
	cleanup_free char *map = NULL;
	int rc = read_map(vmlinux, &map, err);

	if (rc)
		return rc;
	debug_script_begin(script);
	if (stops->program_path)
		debug_script_add_symbols(script, "add-symbol-file", stops->program_path);
	strbuf_addf(script, "exec-file \"%s\"\ntarget remote %s\n", vmlinux, socket);
	rc = add_kernel(debugger, vmlinux, map, script, err);
	if (stops->at_finding) {
		add_functions(debugger, map, script);
		if (stops->what)
			debug_script_add_run(script, stops->what);
	}
	add_steps(debugger, script);
	if (!debugger->request->commands)
		strbuf_addf(script, "%sset pagination on\nset confirm on\n",
			    stops->what ? "backtrace\n" : "");
	return rc;
}

/* --- gdb ---------------------------------------------------------------------------------- */

static void on_line(void *context, const char *line)
{
	struct replay_debugger *debugger = context;

	if (strncmp(line, DEBUG_SCRIPT_STOPPED, strlen(DEBUG_SCRIPT_STOPPED)) == 0)
		debugger->has_stopped = true;
	printf("%s\n", line);
	fflush(stdout);
}

/* What commands were run and whether they failed is in what gdb says; here only
 * whether it came to the stop. */
static int run_batch(struct replay_debugger *debugger, const char *script, struct error *err)
{
	const struct process_options options = {
		.on_line = on_line,
		.context = debugger,
		.timeout_ns = debugger->world->guest.total_s * EXACT_PATIENCE * NS_PER_SECOND,
	};
	const struct strvec *commands = debugger->request->commands;
	cleanup_strvec struct strvec argv = STRVEC_INIT;
	struct error cause = ERROR_INIT;
	int rc;

	strvec_push_all(&argv, (const char *const[]){ "gdb", "-nx", "-q", "-batch", "-x", script,
						      NULL });
	for (size_t i = 0; i < commands->count; i++) {
		strvec_push(&argv, "-ex");
		strvec_push(&argv, commands->items[i]);
	}
	/* the guest goes on */
	strvec_push_all(&argv, (const char *const[]){ "-ex", "detach", NULL });
	rc = process_run((const char *const *)argv.items, &options, NULL, &cause);
	if (rc && rc != -EREMOTEIO)
		return error_set(err, rc, "%s", cause.message);
	if (debugger->stops.what && !debugger->has_stopped)
		return error_set(err, -ENODATA, "the guest ended and was never there: %s",
				 debugger->stops.what);
	return 0;
}

static void on_terminal_interrupt(int number)
{
	(void)number; /* Ctrl-C is for gdb, which has the terminal with us */
}

static int run_on_terminal(const char *script, struct error *err)
{
	const char *const argv[] = { "gdb", "-q", "-x", script, NULL };
	const struct process_options options = { .in_foreground = true };
	const struct sigaction mine = { .sa_handler = on_terminal_interrupt };
	struct sigaction before;
	struct error cause = ERROR_INIT;
	int rc;

	(void)sigaction(SIGINT, &mine, &before);
	rc = process_run(argv, &options, NULL, &cause);
	(void)sigaction(SIGINT, &before, NULL);
	/* its exit status is the user's */
	return rc && rc != -EREMOTEIO ? error_set(err, rc, "%s", cause.message) : 0;
}

int replay_debugger_run(void *context, const char *socket, const char *vmlinux,
			struct error *err)
{
	struct replay_debugger *debugger = context;
	cleanup_strbuf struct strbuf script = STRBUF_INIT;
	cleanup_free char *path = path_join(debugger->request->folder, "stop.gdb");
	int rc = write_script(debugger, socket, vmlinux, &script, err);

	if (rc)
		return rc;
	rc = file_write_atomic(path, script.data, script.length, 0644);
	if (rc)
		return error_set_errno(err, rc, "%s: cannot be written", path);
	progress_clear();
	return debugger->request->commands ? run_batch(debugger, path, err) :
					     run_on_terminal(path, err);
}
