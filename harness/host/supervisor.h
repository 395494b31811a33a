/* supervisor.h - the process above the harness: whatever ends the harness
 * (kill -9 included), no guest is left behind. libvirt's embedded driver has no
 * AUTODESTROY and its QEMU processes are daemons; a child subreaper
 * (prctl(2), PR_SET_CHILD_SUBREAPER) inherits them, kills and reaps them.
 * The harness dies with the supervisor (PR_SET_PDEATHSIG), and QEMU is started
 * through build/kerngate-guest-exec, which makes it die with the supervisor
 * too, so killing both at once leaves nothing either.
 */
#ifndef KERNGATE_HOST_SUPERVISOR_H
#define KERNGATE_HOST_SUPERVISOR_H

#include <stdbool.h>
#include <sys/types.h>

/* The supervisor's name (/proc/PID/comm, at most 15 characters), by which
 * kerngate-guest-exec knows its parent; exec/guest_exec.c repeats it. */
#define SUPERVISOR_NAME "kerngate-super"

/* Forks. Returns in the child only, which goes on as the harness; the parent
 * forwards SIGINT, SIGTERM and SIGHUP, waits, kills and reaps what is left,
 * and exits with the child's status (128 + n after signal n). Call before any
 * thread exists and before libvirt is touched. Failure to fork ends the
 * program with status 2 and a message. */
void supervisor_start(void);

/* The supervisor above this process, or 0 without one. */
pid_t supervisor_pid(void);
/* Whether this process runs below a supervisor that lives. */
bool supervisor_is_alive(void);

#endif
