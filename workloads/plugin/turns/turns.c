/* turns.c - a plugin for QEMU (TCG, instruction clock, recording on): several vCPUs
 * take the same turns in every run. It counts nothing and touches nothing in the
 * guest; blocks run as without it.
 *
 * What it closes (QEMU 7.2, accel/tcg/tcg-accel-ops-rr.c; 10.x is alike): all vCPUs
 * share a thread. When the last busy one halts, that thread lets go of the replay
 * lock and then takes the big lock to go on with the next vCPU. A main loop that
 * was woken in time gets the big lock in between, finds every vCPU idle and moves
 * the clock to the next timer there and then. The vCPU that comes next in the round
 * has the first turn after the pause; in all other runs it is the first one. Both
 * worlds are right, but they are two.
 *
 * So the main loop may take the big lock only while the vCPUs' thread sleeps: for
 * the guest's next timer; or for the replay lock, which the main loop has by then
 * and without which no instruction runs, if a vCPU has work, so that the clock will
 * not be moved. If none has, the main loop gives the replay lock back and comes
 * again. The places to do that from are the function pointers of QEMU's lock
 * profiler (util/qsp.c).
 *
 * Arguments, both for tests only: dawdle=on makes the two threads wait for each other
 * there (the main loop, before it takes the replay lock, until the vCPUs' thread has
 * let go of it with all vCPUs idle; that thread until the main loop has had the big
 * lock), so that they do meet; wait=off lets them. One source, two objects, as with
 * the counting plugin.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "qemu_api.h"

/* Nobody sleeps for so long on the way to the next instruction; should it happen,
 * a guest whose turns may differ is better than one that hangs. */
#define PATIENCE_S 10

/* While dawdling: how long one looks again whether the other has come, and how often
 * if it is on its way, and if it may not be. */
#define DAWDLE_NS 20000
#define DAWDLE_LONG 1000
#define DAWDLE_SHORT 20

typedef void (*lock_fn)(void *mutex, const char *file, int line);
typedef void (*wait_fn)(void *condition, void *mutex, const char *file, int line);

int qemu_plugin_version = PLUGIN_API;

static struct {                    /* QEMU's own */
	lock_fn big_lock, lock;
	wait_fn condition_wait;
	void (*replay_lock)(void);
	void (*replay_unlock)(void);
	bool (*replay_is_locked)(void); /* by the caller */
	bool (*vcpus_are_idle)(void);
} qemu;

/* Of the vCPUs' thread; a futex. */
enum { AWAKE, SLEEPS_FOR_LOCK, SLEEPS_FOR_TIMER };

static pthread_t main_thread;
static __thread bool is_vcpu_thread;
static atomic_bool has_vcpu_thread;
static atomic_int vcpu_thread;
static unsigned long passed_count; /* of the main thread */
static struct {
	bool dawdles, waits;
} options = { .waits = true };
static struct { /* with dawdle=on */
	atomic_bool vcpus_wait;    /* between the two locks */
	atomic_bool main_is_coming;
	atomic_ulong main_count;   /* how often it had the big lock */
} meeting;

static bool is_called_from(const char *path, const char *file)
{
	size_t length = strlen(path), end = strlen(file);

	return length >= end && strcmp(path + length - end, file) == 0;
}

static long futex(int operation, int value, const struct timespec *timeout)
{
	return syscall(SYS_futex, &vcpu_thread, operation | FUTEX_PRIVATE_FLAG, value,
		       timeout, NULL, 0);
}

/* False once nobody has changed anything for too long. */
static bool wait_while(int state)
{
	const struct timespec patience = { .tv_sec = PATIENCE_S };

	while (atomic_load(&vcpu_thread) == state)
		if (futex(FUTEX_WAIT, state, &patience) < 0 && errno == ETIMEDOUT) {
			passed_count++;
			return false;
		}
	return true;
}

static void wait_for_vcpus(void)
{
	while (wait_while(AWAKE)) {
		if (atomic_load(&vcpu_thread) == SLEEPS_FOR_TIMER || !qemu.vcpus_are_idle())
			return;
		qemu.replay_unlock();
		(void)wait_while(SLEEPS_FOR_LOCK);
		qemu.replay_lock();
	}
}

static void dawdle(void)
{
	const struct timespec pause = { .tv_nsec = DAWDLE_NS };

	(void)nanosleep(&pause, NULL);
}

/* The vCPUs' thread, without the replay lock and with nothing to run. Where the main
 * loop is made to wait (waits), it will not come before this one sleeps. */
static void let_main_loop_pass(void)
{
	unsigned long count = atomic_load(&meeting.main_count);
	int i;

	atomic_store(&meeting.vcpus_wait, true);
	for (i = 0; atomic_load(&meeting.main_count) == count &&
	     i < (!options.waits && atomic_load(&meeting.main_is_coming) ?
		  DAWDLE_LONG : DAWDLE_SHORT); i++)
		dawdle();
	atomic_store(&meeting.vcpus_wait, false);
}

static bool is_main_loop(void)
{
	return pthread_equal(pthread_self(), main_thread) && atomic_load(&has_vcpu_thread);
}

static void take_lock(void *mutex, const char *file, int line)
{
	int i;

	/* Letting go of the replay lock takes this one, too. */
	if (is_main_loop() && is_called_from(file, "/replay-internal.c") &&
	    !qemu.replay_is_locked()) {
		atomic_store(&meeting.main_is_coming, true);
		for (i = 0; !atomic_load(&meeting.vcpus_wait) &&
		     atomic_load(&vcpu_thread) == AWAKE && i < DAWDLE_LONG; i++)
			dawdle();
	}
	qemu.lock(mutex, file, line);
}

static void take_big_lock(void *mutex, const char *file, int line)
{
	bool is_main = is_main_loop() && is_called_from(file, "/main-loop.c");

	if (options.dawdles && is_vcpu_thread &&
	    is_called_from(file, "/tcg-accel-ops-rr.c") && qemu.vcpus_are_idle())
		let_main_loop_pass();
	if (options.waits && is_main)
		wait_for_vcpus();
	qemu.big_lock(mutex, file, line);
	if (options.dawdles && is_main) {
		atomic_store(&meeting.main_is_coming, false);
		atomic_fetch_add(&meeting.main_count, 1);
	}
}

static void vcpu_thread_is(int state)
{
	atomic_store(&vcpu_thread, state);
	(void)futex(FUTEX_WAKE, 1, NULL);
}

static void wait_for_condition(void *condition, void *mutex, const char *file, int line)
{
	bool is_for_timer = is_called_from(file, "/cpus.c");

	/* Theirs is the only other thread that waits in that file, and before it
	 * runs anything it has waited there for the machine to start. */
	if (!is_vcpu_thread && is_for_timer &&
	    !pthread_equal(pthread_self(), main_thread)) {
		is_vcpu_thread = true;
		atomic_store(&has_vcpu_thread, true);
	}
	if (is_vcpu_thread)
		vcpu_thread_is(is_for_timer ? SLEEPS_FOR_TIMER : SLEEPS_FOR_LOCK);
	qemu.condition_wait(condition, mutex, file, line);
	if (is_vcpu_thread)
		vcpu_thread_is(AWAKE);
}

static void finish(qemu_plugin_id_t id, void *argument)
{
	(void)id;
	(void)argument;
	if (!atomic_load(&has_vcpu_thread))
		fprintf(stderr, "kerngate turns: never met the vCPUs' thread\n");
	if (passed_count)
		fprintf(stderr, "kerngate turns: %lu times nobody slept for %d s\n",
			passed_count, PATIENCE_S);
}

static bool refuse(const char *what, const char *why)
{
	fprintf(stderr, "kerngate turns: %s%s\n", what, why);
	return false;
}

static bool argument_read(const char *argument)
{
	if (strcmp(argument, "dawdle=on") == 0)
		options.dawdles = true;
	else if (strcmp(argument, "wait=off") == 0)
		options.waits = false;
	else
		return refuse("no such argument or value: ", argument);
	return true;
}

static bool info_check(const struct qemu_info *info)
{
	char text[160];

	if (info->version.cur >= PLUGIN_API && info->version.cur <= PLUGIN_API_NEWEST)
		return true;
	snprintf(text, sizeof(text), "this object is for QEMU's plugin interface %d to "
		 "%d; this QEMU has %d to %d", PLUGIN_API, PLUGIN_API_NEWEST,
		 info->version.min, info->version.cur);
	return refuse(text, "");
}

/* Puts ours in the place of QEMU's. The names are those of QEMU to 8.2 and since. */
static bool hooks_set(void)
{
	lock_fn *big_lock = dlsym(RTLD_DEFAULT, "qemu_bql_mutex_lock_func");
	lock_fn *lock = dlsym(RTLD_DEFAULT, "qemu_mutex_lock_func");
	wait_fn *wait = dlsym(RTLD_DEFAULT, "qemu_cond_wait_func");

	if (!big_lock)
		big_lock = dlsym(RTLD_DEFAULT, "bql_mutex_lock_func");
	qemu.replay_lock = (void (*)(void))dlsym(RTLD_DEFAULT, "replay_mutex_lock");
	qemu.replay_unlock = (void (*)(void))dlsym(RTLD_DEFAULT, "replay_mutex_unlock");
	qemu.replay_is_locked = (bool (*)(void))dlsym(RTLD_DEFAULT, "replay_mutex_locked");
	qemu.vcpus_are_idle = (bool (*)(void))dlsym(RTLD_DEFAULT, "all_cpu_threads_idle");
	if (!big_lock || !lock || !wait || !qemu.replay_lock || !qemu.replay_unlock ||
	    !qemu.replay_is_locked || !qemu.vcpus_are_idle)
		return refuse("this QEMU does not export its lock functions, or has none of "
			      "these names: ", "turns of several vCPUs cannot be made exact");
	main_thread = pthread_self();
	qemu.big_lock = *big_lock;
	qemu.lock = *lock;
	qemu.condition_wait = *wait;
	__atomic_store_n(big_lock, take_big_lock, __ATOMIC_SEQ_CST);
	__atomic_store_n(wait, wait_for_condition, __ATOMIC_SEQ_CST);
	if (options.dawdles)
		__atomic_store_n(lock, take_lock, __ATOMIC_SEQ_CST);
	return true;
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			char **argv)
{
	int i;

	for (i = 0; i < argc; i++)
		if (!argument_read(argv[i]))
			return -1;
	if (!info_check(info) || !hooks_set())
		return -1;
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
