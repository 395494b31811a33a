/* cgroup.h - control groups (version 2) of the guest, for workloads.
 *
 *     struct cgroup group;
 *
 *     cgroup_create_or_broken(&group, "job", "cpu memory");    // setup
 *     cgroup_write_or_broken(&group, "cpu.max", "%u 100000", quota_us);
 *     cgroup_move_or_broken(&group, 0);                        // the caller
 *     before_us = cgroup_field_or_broken(&group, "cpu.stat", "usage_usec");
 *     ...
 *     cgroup_leave(0);                                         // cleanup
 *     cgroup_remove(&group);
 *
 * Groups lie directly below the root, whose processes hinder no controller. A
 * workload that uses this declares CONFIG_CGROUPS and what its controllers need.
 * The *_or_broken forms end the workload with path and cause.
 */
#ifndef KERNGATE_RUNTIME_CGROUP_H
#define KERNGATE_RUNTIME_CGROUP_H

#include <stdint.h>
#include <sys/types.h>

#include "workload.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_PATH_MAX 128

struct cgroup {
	char path[CGROUP_PATH_MAX];    /* "" while there is no group */
};

/* Makes ROOT/NAME, which must not be there yet, with these controllers
 * (names with single blanks between them; "" for none). Mounts the file system
 * if nobody has. */
void cgroup_create_or_broken(struct cgroup *ret_group, const char *name,
			     const char *controllers);

/* Removes a group whose last process has ended or left; waits for that for at
 * most 5 s. 0, also where there is no group, or negative errno (-ETIMEDOUT: it
 * still has processes). For cleanup(), so it never ends the workload. */
int cgroup_remove(struct cgroup *group);

/* Writes a control file, without a newline. */
void cgroup_write_or_broken(const struct cgroup *group, const char *file,
			    const char *format, ...) printf_like(3, 4);
/* The same, 0 or negative errno: where the kernel may refuse. */
int cgroup_write(const struct cgroup *group, const char *file, const char *text);

/* Moves a process with all its threads; 0: the caller's own. */
void cgroup_move_or_broken(const struct cgroup *group, pid_t process);
/* Moves one thread; 0: the caller. Group and root must then be of one threaded
 * domain: call cgroup_make_threaded_or_broken() before anything is moved in. */
void cgroup_move_thread_or_broken(const struct cgroup *group, pid_t thread);
/* Makes a new group take threads; only the controllers cpu and cpuset do that. */
void cgroup_make_threaded_or_broken(const struct cgroup *group);
/* Back to the root, a process or a thread; 0: the caller. cgroup_leave() is for
 * cleanup(): 0 or negative errno. */
int cgroup_leave(pid_t process);
void cgroup_leave_or_broken(pid_t process);
void cgroup_leave_thread_or_broken(pid_t thread);

/* A file of one number; "max" is UINT64_MAX. */
uint64_t cgroup_number_or_broken(const struct cgroup *group, const char *file);
/* The value of a line "KEY VALUE", as in cpu.stat, memory.stat, memory.events. */
uint64_t cgroup_field_or_broken(const struct cgroup *group, const char *file,
				const char *key);

#endif
