/* inversion.h - priority inversion, made on purpose and measured: what the inversion_*
 * workloads share.
 *
 *     static const struct inversion_lock lock = { .hold = ..., .take = ... };
 *
 *     inversion_start(&lock);          // setup, when files and buffers are ready
 *     inversion_measure                // workload.measure
 *     inversion_stop();                // cleanup, first of all
 *
 * Three roles. The low task holds a mutex of the kernel for one long critical section;
 * medium tasks spin on its CPU, and want no lock; the high task asks for the mutex. How
 * far the roles are apart is the parameter `class`:
 *
 *     class      low             medium          high
 *     nice       nice 19         nice 0          nice -20
 *     weight     cpu.weight 1    cpu.weight 100  cpu.weight 10000   (a group each)
 *     fifo       SCHED_FIFO 10   SCHED_FIFO 20   SCHED_FIFO 30
 *     fifo_high  nice 19         nice 0          SCHED_FIFO 30
 *
 * An iteration, led by the high task (as SCHED_FIFO 40; its own class is back for step 4):
 *  1. The spinners sleep. The low task begins its section, and the high task sleeps
 *     for a random part of its first three quarters; of its first half where there
 *     are links; of that and the sleep where the owner is to sleep in the middle.
 *  2. Links, where the lock has any: one after the other begins its call and stays
 *     asleep in it. They come in the class of the medium tasks, so that they get there,
 *     and are put into the low one when they are.
 *  3. The spinners start, as real-time tasks that at once take their own class: so the
 *     low task is off its CPU. settle_us later (an owner that runs is spun for, not
 *     waited for: mutex_spin_on_owner):
 *  4. If the low task is still inside, the high task calls lock->take(): timed, and a
 *     sample. If not, nothing was met and nothing is kept (missed_count).
 *  5. The spinners sleep, until all others are through.
 *
 * So a sample is always of a lock that was held as the high task came: held_count
 * says how many, blocked_count in how many of them it gave up its CPU. A trial without
 * a sample is broken, not good.
 *
 * A wait has a bound: a watchdog of high priority puts the spinners to sleep when a wait
 * is longer than wait_limit_ms, or the time of the trial is over. That wait is kept
 * with the length it then has, which is less than it would have been (censored_count).
 * If it goes on for 10 s nevertheless nobody but the kernel is to blame: the workload
 * has failed.
 */
#ifndef KERNGATE_RUNTIME_INVERSION_H
#define KERNGATE_RUNTIME_INVERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "workload.h"

#define INVERSION_LINKS_MAX 2

/* All functions end the workload where a call fails. They run in threads of one
 * process, so that they share its descriptors and memory. */
struct inversion_lock {
	/* Before every section, by the low task, with no lock held; may be NULL.
	 * is_alone: this time the section itself is measured, without sleep in it. */
	void (*prepare)(bool is_alone);
	/* One section, by the low task: locks and unlocks. */
	void (*hold)(void);
	/* What the low task does when it has the mutex no more, and is not part of the
	 * section; may be NULL. */
	void (*after)(void);
	/* The same mutex, or one that a link holds; by the high task. */
	void (*take)(void);
	/* Each holds one mutex and waits for the next one's, or for the low task's.
	 * The first one that is set begins first: the one that waits for the low task. */
	void (*links[INVERSION_LINKS_MAX])(void);
	/* How long the low task slept in the last section, and how long it was to;
	 * NULL and 0 where it does not. */
	uint64_t (*slept_ns)(void);
	uint64_t sleep_ns;
};

/* Reads the parameters below, starts all tasks, and measures the section with nobody
 * there to disturb it. lock is borrowed until inversion_stop(). The caller becomes the
 * high task. */
void inversion_start(const struct inversion_lock *lock);
/* All iterations, and the samples of INVERSION_METRICS. */
void inversion_measure(uint32_t round);
/* Ends and joins all tasks; the caller has its old class again. false where that cannot
 * be done, as a task is stuck in the kernel or another thread than the high task calls:
 * then what the tasks use must stay. */
bool inversion_stop(void);

/* Makes the caller a SCHED_FIFO task that stands above all roles, for who serves the
 * low task (priorities 31 to 89); cpu -1: wherever. To be started before
 * inversion_start(), or it begins in the high task's place. */
void inversion_serve_or_broken(int priority, int cpu);
/* A CPU without spinners, if there is one; also before inversion_start(). */
int inversion_other_cpu(void);

extern const char *const inversion_placements[], *const inversion_classes[];

#define INVERSION_OPTIONS                                                               \
	"CONFIG_HIGH_RES_TIMERS", "CONFIG_CGROUPS", "CONFIG_FAIR_GROUP_SCHED"

#define INVERSION_PARAMETERS(settle_default)                                            \
	{ "placement", 0, 0, inversion_placements, "same",                              \
	  "The high task on the low task's CPU, or on another (across)" },              \
	{ "class", 0, 0, inversion_classes, "nice",                                     \
	  "What sets low, medium and high apart" },                                     \
	{ "spinners", 0, 64, NULL, "2", "Medium tasks on the low task's CPU" },         \
	{ "iterations", 1, 100000, NULL, "1000",                                        \
	  "Waits that are wanted; a p99.9 of less than 1000 is their maximum" },        \
	{ "interval_us", 0, 1000000, NULL, "500",                                       \
	  "Mean of the random pause between two iterations" },                          \
	{ "settle_us", 0, 100000, NULL, settle_default,                                 \
	  "From the start of the spinners to the high task's call" },                   \
	{ "wait_limit_ms", 1, 100000, NULL, "5000",                                     \
	  "After so long a wait the spinners stop until it is over" },                  \
	{ "time_limit_s", 1, 3600, NULL, "25",                                          \
	  "No iteration begins later, and the last wait is cut" }

#define INVERSION_METRICS                                                               \
	{ "wait_ns", "ns", "lower", "time", false,                                      \
	  "The high task's call, which waits for the lock (median: p50)" },             \
	{ "wait_p99_ns", "ns", "lower", "time", false,                                  \
	  "99th percentile of a boot's waits, by nearest rank" },                       \
	{ "wait_p999_ns", "ns", "lower", "time", false,                                 \
	  "99.9th percentile of a boot's waits, by nearest rank" },                     \
	{ "wait_max_ns", "ns", "lower", "tail", false, "The longest wait" },            \
	{ "section_ns", "ns", "lower", "time", true,                                    \
	  "The low task's critical section, undisturbed and without sleep" },           \
	{ "wait_p99_ratio", "1", "lower", "rate", true,                                 \
	  "wait_p99_ns over the median section" },                                      \
	{ "wait_max_ratio", "1", "lower", "rate", true,                                 \
	  "wait_max_ns over the median section" },                                      \
	{ "excess_ns", "ns", "lower", "time", true,                                     \
	  "A wait less the median section and the low task's sleep in it, or 0" },      \
	{ "excess_p99_ns", "ns", "lower", "time", true, "Its 99th percentile" },        \
	{ "excess_p999_ns", "ns", "lower", "time", true, "Its 99.9th percentile" },     \
	{ "excess_max_ns", "ns", "lower", "tail", true, "Its maximum" },                \
	{ "tick_ns", "ns", "lower", "time", true, "The kernel's tick, 1/HZ" },          \
	{ "late_count", "count", "lower", "count", true,                                \
	  "Waits whose excess is more than two ticks" },                                \
	{ "held_count", "count", "higher", "count", true,                               \
	  "Waits: the lock was held as the high task came" },                           \
	{ "blocked_count", "count", "higher", "count", true,                            \
	  "Waits in which the high task gave up its CPU" },                             \
	{ "missed_count", "count", "lower", "count", true,                              \
	  "Iterations without a wait: the section was over too early" },                \
	{ "censored_count", "count", "lower", "count", true,                            \
	  "Waits cut by wait_limit_ms or time_limit_s: they would have been longer" },  \
	{ "high_donations_count", "count", "lower", "count", true,                      \
	  "How often another task ran in the high task's place (proxy execution)" },    \
	{ "high_migrations_count", "count", "lower", "count", true,                     \
	  "How often the high task, waiting, was moved to the owner's CPU" },           \
	{ "high_returns_count", "count", "lower", "count", true,                        \
	  "How often the high task was taken back from there" },                        \
	{ "high_sleeps_count", "count", "lower", "count", true,                         \
	  "How often the high task was hung on an owner that slept" },                  \
	{ "high_activations_count", "count", "lower", "count", true,                    \
	  "How often the high task was activated with that owner" },                    \
	{ "low_owner_runs_count", "count", "higher", "count", true,                     \
	  "How often the low task ran in another's place" }

#endif
