/* replay_debug.h - gdb in a trial that is run again: with the kernel's symbols,
 * with those of the guest's program at hand and with a way to unwind the kernel's
 * stacks, stopped where the trial went wrong or before a marker.
 *
 *     replay_debugger_new(&world, &request, &debugger, err);
 *     options.debug = replay_debugger_run;
 *     options.context = debugger;
 *     replay_run(&world, &options, &outcome, err);
 *     replay_debugger_free(debugger);
 */
#ifndef KERNGATE_ENGINE_REPLAY_DEBUG_H
#define KERNGATE_ENGINE_REPLAY_DEBUG_H

#include "error.h"
#include "replay.h"
#include "strbuf.h"

struct replay_debug_request {          /* all borrowed, must outlive the debugger */
	const char *until;             /* words of debug_stop_parse(); NULL: where the
					  trial went wrong, else at the start */
	const struct strvec *commands; /* gdb runs these at the stop and lets the guest
					  go on; NULL: gdb has the terminal */
	const char *folder;            /* for files that gdb reads; must be there */
};

struct replay_debugger;

/* Finds all that must be known before the guest starts. -ENOENT: gdb is not on
 * this host, or the trial has no such row or marker; -EINVAL: other words. The
 * world is borrowed. */
int replay_debugger_new(const struct replay_world *world,
			const struct replay_debug_request *request,
			struct replay_debugger **ret_debugger, struct error *err) must_check;
void replay_debugger_free(struct replay_debugger *debugger); /* NULL allowed */

/* For replay_options.debug; context: the debugger. Blocks until gdb has ended. Its
 * output goes to stdout. -ENODATA: the guest ended before the stop;
 * -ETIMEDOUT: gdb's commands did not end in time; others of starting gdb. */
int replay_debugger_run(void *context, const char *socket, const char *vmlinux,
			struct error *err) must_check;

#endif
