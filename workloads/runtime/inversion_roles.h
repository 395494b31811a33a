/* inversion_roles.h - who low, medium and high are (inversion.h): class, CPU and control
 * group of each. For inversion.c only.
 */
#ifndef KERNGATE_RUNTIME_INVERSION_ROLES_H
#define KERNGATE_RUNTIME_INVERSION_ROLES_H

#include <stdbool.h>
#include <sys/types.h>

enum role { ROLE_LOW, ROLE_MEDIUM, ROLE_HIGH, ROLES_COUNT };

/* Reads the parameters class and placement, chooses the CPUs, makes the groups. */
void roles_start(void);
/* The caller, who was the high task, is what it was before roles_start(); the groups,
 * empty by now, are removed. Also where roles_start() did not get far. */
void roles_stop(void);

/* The caller goes to its role's CPU, group and class. */
void role_enter_or_broken(enum role role);
/* Another task takes nice and class of a role, not its group. */
void role_set_or_broken(pid_t thread, enum role role);
/* SCHED_FIFO of that priority, 0: SCHED_OTHER with the nice it had; thread 0: the
 * caller. */
void fifo_set_or_broken(pid_t thread, int priority);

bool role_is_fair(enum role role);         /* SCHED_OTHER */
bool roles_have_groups(void);

#endif
