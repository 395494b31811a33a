/* actor.c - a process that takes and awaits mutexes of the kernel in two threads.
 *
 * How the trees grow: a file's f_pos_lock has an owner asleep in copying and lseek()s
 * that wait for it. A seq file has two mutexes in a row, cgroup.procs three. tee()
 * takes two pipes' at once, the lower address first, so that pipes whose owners sleep
 * make chains across all of them. All of these wait uninterruptibly (pipe->mutex too,
 * in 7.3). A terminal's readers and writers wait interruptibly for the one that reads
 * or writes, so signals and timers end waits in the middle of a tree there. A killed
 * owner gives its mutex up while it dies.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sleeper.h"
#include "stress.h"

#define IDLE_MAX_US 1500         /* between deeds */

struct worker {
	struct slot *slot;
	uint32_t number;         /* of its buffer */
	uint64_t random;
};

static void *absent_buffer(const struct worker *worker)
{
	sleeper_refresh(worker->number);
	return sleeper_buffer(worker->number);
}

static int any_file(struct worker *worker)
{
	return stress.files[random_below(&worker->random, FILES_COUNT)];
}

static const int *any_pipe(struct worker *worker)
{
	return stress.pipes[random_below(&worker->random, PIPES_COUNT)];
}

static long file_hold(struct worker *worker)
{
	int fd = any_file(worker);
	long result = read(fd, absent_buffer(worker), SLEEPER_BYTES);

	/* At its end nothing would be copied any more. */
	return result == 0 ? lseek(fd, 0, SEEK_SET) : result;
}

static long file_wait(struct worker *worker)
{
	return lseek(any_file(worker), 0, SEEK_CUR);
}

static long seq_hold(struct worker *worker)
{
	return pread(stress.seq, absent_buffer(worker), 64, 0);
}

static long seq_middle(struct worker *worker)
{
	char text[64];

	(void)worker;
	return read(stress.seq, text, sizeof(text));
}

static long seq_wait(struct worker *worker)
{
	(void)worker;
	return lseek(stress.seq, 0, SEEK_SET);
}

static long pipe_write(struct worker *worker)
{
	return write(any_pipe(worker)[1], absent_buffer(worker), SLEEPER_BYTES);
}

static long pipe_read(struct worker *worker)
{
	return read(any_pipe(worker)[0], absent_buffer(worker), SLEEPER_BYTES);
}

static long pipe_drain(struct worker *worker)
{
	char text[16384];

	return read(any_pipe(worker)[0], text, sizeof(text));
}

static long pipe_wait(struct worker *worker)
{
	int count;

	return ioctl(any_pipe(worker)[0], FIONREAD, &count);
}

static long pipe_chain(struct worker *worker)
{
	uint32_t from = random_below(&worker->random, PIPES_COUNT);
	uint32_t to = (from + 1 + random_below(&worker->random, PIPES_COUNT - 1)) %
		      PIPES_COUNT;

	return tee(stress.pipes[from][0], stress.pipes[to][1], 4096, SPLICE_F_NONBLOCK);
}

static long tty_read(struct worker *worker)
{
	char text[1];

	(void)worker;
	return read(stress.terminal, text, sizeof(text));
}

static long tty_write(struct worker *worker)
{
	return write(stress.terminal, absent_buffer(worker), 256);
}

static long tty_feed(struct worker *worker)
{
	(void)worker;
	locks_feed(1);
	return 0;
}

static long group_chain(struct worker *worker)
{
	return write(stress.procs[random_below(&worker->random, GROUPS_COUNT)], "0", 1);
}

/* The child waits in a tree too, and may be gone before its turn has come. */
static long fork_deed(struct worker *worker)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -1;
	if (child == 0) {
		(void)lseek(any_file(worker), 0, SEEK_CUR);
		_exit(0);
	}
	if (random_below(&worker->random, 2))
		(void)kill(child, SIGKILL);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

/* The other thread dies of it, wherever it waits and whatever it holds; the new program
 * describes itself and ends. */
static long exec_deed(struct worker *worker)
{
	int fd = open("/dev/null", O_WRONLY);

	(void)worker;
	atomic_fetch_add(&stress.arena->done[DEED_EXEC], 1);
	(void)dup2(fd, STDOUT_FILENO);
	(void)execl("/proc/self/exe", "mutex_stress", "--describe", (char *)NULL);
	return -1;
}

static const struct {
	enum deed deed;
	uint32_t weight;
	long (*run)(struct worker *worker);
} deeds[] = {
	{ DEED_FILE_HOLD, 120, file_hold },
	{ DEED_FILE_WAIT, 200, file_wait },
	{ DEED_SEQ_HOLD, 60, seq_hold },
	{ DEED_SEQ_MIDDLE, 60, seq_middle },
	{ DEED_SEQ_WAIT, 80, seq_wait },
	{ DEED_PIPE_WRITE, 60, pipe_write },
	{ DEED_PIPE_READ, 30, pipe_read },
	{ DEED_PIPE_DRAIN, 30, pipe_drain },
	{ DEED_PIPE_WAIT, 80, pipe_wait },
	{ DEED_PIPE_CHAIN, 120, pipe_chain },
	{ DEED_TTY_READ, 60, tty_read },
	{ DEED_TTY_WRITE, 60, tty_write },
	{ DEED_TTY_FEED, 80, tty_feed },
	{ DEED_GROUP_CHAIN, 20, group_chain },
	{ DEED_FORK, 20, fork_deed },
	{ DEED_EXEC, 3, exec_deed },
};

#define ACTOR_DEEDS_COUNT (sizeof(deeds) / sizeof(deeds[0]))

static size_t deed_choose(struct worker *worker)
{
	uint32_t sum = 0, choice;
	size_t i;

	for (i = 0; i < ACTOR_DEEDS_COUNT; i++)
		sum += deeds[i].weight;
	choice = random_below(&worker->random, sum);
	for (i = 0; choice >= deeds[i].weight; i++)
		choice -= deeds[i].weight;
	return i;
}

static void *worker_run(void *argument)
{
	struct worker *worker = argument;

	child_begin(worker->slot, 0);
	while (phase_wait_storm()) {
		size_t i = deed_choose(worker);

		slot_begin(worker->slot, deeds[i].deed);
		slot_end(worker->slot, deeds[i].deed, deeds[i].run(worker));
		if (random_below(&worker->random, 2))
			nap_us(random_below(&worker->random, IDLE_MAX_US));
	}
	return NULL;
}

static void nothing(int signal_number)
{
	(void)signal_number;
}

/* Without SA_RESTART: what a signal interrupts ends. */
static void signals_catch(uint64_t *random)
{
	const struct sigaction action = { .sa_handler = nothing };
	struct itimerval timer = { .it_interval = { .tv_usec = 0 } };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	timer.it_interval.tv_usec = 7000 + random_below(random, 40000);
	timer.it_value = timer.it_interval;
	setitimer(ITIMER_REAL, &timer, NULL);
}

_Noreturn void actor_run(uint32_t index, uint32_t generation)
{
	struct worker workers[WORKERS_COUNT];
	uint64_t random = random_seed(stress.seed, (uint64_t)generation << 32 | index);
	pthread_t thread;
	uint32_t i;

	for (i = 0; i < WORKERS_COUNT; i++) {
		workers[i].slot = &stress.arena->slots[index * WORKERS_COUNT + i];
		workers[i].number = i;
		workers[i].random = random_seed(random, i);
	}
	sleeper_start(WORKERS_COUNT, random_seed(random, WORKERS_COUNT));
	signals_catch(&random);
	if (pthread_create(&thread, NULL, worker_run, &workers[1]))
		child_give_up("a second thread cannot be had");
	worker_run(&workers[0]);
	pthread_join(thread, NULL);
	_exit(0);
}
