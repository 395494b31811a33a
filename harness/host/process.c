/* process.c - run a program, follow its output, end it in time. The child is
 * the leader of a process group of its own, so that whatever it started ends
 * with it. Not for guests: libvirt starts those.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "clock.h"
#include "files.h"
#include "memory.h"

#define READ_BLOCK_BYTES 65536
#define TAIL_BYTES 2048             /* of stderr, kept for the error */
#define LINE_BYTES_MAX 65536        /* a longer line is handed on in parts */
#define GRACE_NS (2 * NS_PER_SECOND) /* SIGTERM to SIGKILL; exit to end of output */

static atomic_bool cancelled;
static atomic_int cancel_fd = -1;
static pthread_once_t cancel_once = PTHREAD_ONCE_INIT;

static void cancel_fd_open(void)
{
	/* Without it a cancel is noticed when the child next says something or
	 * its time is up. */
	atomic_store(&cancel_fd, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

void process_cancel_all(void)
{
	int saved_errno = errno;
	uint64_t one = 1;
	int fd;

	atomic_store(&cancelled, true);
	fd = atomic_load(&cancel_fd);
	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0) {
		/* Full: somebody cancelled before, the reader is awake. */
	}
	errno = saved_errno;
}

bool process_is_cancelled(void)
{
	return atomic_load(&cancelled);
}

static atomic_uint_least64_t work_deadline_ns;

void process_set_deadline(uint64_t deadline_ns)
{
	atomic_store(&work_deadline_ns, deadline_ns);
}

bool process_deadline_passed(void)
{
	uint64_t deadline_ns = atomic_load(&work_deadline_ns);

	return deadline_ns && clock_monotonic_ns() >= deadline_ns;
}

/* One pipe that the child writes. */
struct stream {
	int fd;              /* -1 at its end */
	bool is_captured;    /* into output; else into the tail and the file */
	struct strbuf line;  /* unfinished line, for on_line */
};

struct run {
	const char *name;    /* argv[0], for messages */
	const struct process_options *options;
	char *program;       /* resolved; owned */
	struct strvec environment;
	pid_t child;
	int pid_fd;
	int file;            /* output_path; -1 */
	struct stream streams[2]; /* [0] stdout or both; [1] stderr, if captured */
	struct strbuf output, tail;
	bool has_exited;
	int status;          /* of waitpid */
	int stop_code;       /* why we ended it: -ETIMEDOUT, -ECANCELED, ...; or 0 */
	uint64_t kill_ns;    /* when SIGKILL is due; 0: not stopping */
};

static void run_release(struct run *run)
{
	for (size_t i = 0; i < ARRAY_COUNT(run->streams); i++) {
		if (run->streams[i].fd >= 0)
			(void)close(run->streams[i].fd);
		strbuf_release(&run->streams[i].line);
	}
	if (run->pid_fd >= 0)
		(void)close(run->pid_fd);
	if (run->file >= 0)
		(void)close(run->file);
	strbuf_release(&run->output);
	strbuf_release(&run->tail);
	strvec_release(&run->environment);
	free(run->program);
}

static bool is_program(const char *path)
{
	return access(path, X_OK) == 0 && !path_is_folder(path);
}

char *process_find_program(const char *name)
{
	const char *path = getenv("PATH");
	cleanup_free char *places = string_format(
		"%s:/usr/sbin:/sbin", path && *path ? path : "/usr/bin:/bin");
	char *rest = places, *folder;

	if (strchr(name, '/'))
		return is_program(name) ? path_absolute(name) : NULL;
	while (*name && (folder = strsep(&rest, ":")) != NULL) {
		cleanup_free char *relative =
			path_join(*folder ? folder : ".", name);

		if (is_program(relative))
			return path_absolute(relative);
	}
	return NULL;
}

static bool same_variable(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return length == strcspn(b, "=") && strncmp(a, b, length) == 0;
}

static void make_environment(const char *const *changes, struct strvec *ret)
{
	for (char **entry = environ; entry && *entry; entry++) {
		bool is_replaced = false;

		for (size_t i = 0; changes && changes[i]; i++)
			is_replaced |= same_variable(*entry, changes[i]);
		if (!is_replaced)
			strvec_push(ret, *entry);
	}
	if (changes)
		strvec_push_all(ret, changes);
}

/* --- the child: async-signal-safe calls only, other threads may exist ------ */

static _Noreturn void child_fail(int report_fd)
{
	int code = errno;

	(void)!write(report_fd, &code, sizeof(code));
	_exit(127);
}

static void child_reset_signals(void)
{
	struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &standard, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void child_exec(const struct run *run,
				 const char *const *argv, int out, int errors,
				 int report_fd, pid_t parent)
{
	const char *input = run->options->input_path;
	int input_fd;

	child_reset_signals();
	if (!run->options->in_foreground) {
		(void)setpgid(0, 0);
		input_fd = open(input ? input : "/dev/null", O_RDONLY | O_CLOEXEC);
		if (input_fd < 0 || dup2(input_fd, STDIN_FILENO) < 0)
			child_fail(report_fd);
	}
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		child_fail(report_fd);
	/* Had the parent died before the prctl, no signal would ever come. */
	if (getppid() != parent)
		_exit(127);
	if (out >= 0 && (dup2(out, STDOUT_FILENO) < 0 ||
			 dup2(errors, STDERR_FILENO) < 0))
		child_fail(report_fd);
	if (run->options->folder && chdir(run->options->folder) < 0)
		child_fail(report_fd);
	(void)execve(run->program, (char *const *)(uintptr_t)argv,
		     run->environment.items);
	child_fail(report_fd);
}

/* --- the parent ------------------------------------------------------------ */

/* The terminal is the child's: nothing of its output is wanted here. */
static bool keeps_terminal(const struct process_options *options)
{
	return options->in_foreground && !options->capture &&
	       !options->output_path && !options->on_line;
}

static int open_pipes(struct run *run, int ret_ends[2])
{
	int ends[2];

	ret_ends[0] = ret_ends[1] = -1;
	if (keeps_terminal(run->options))
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	run->streams[0].fd = ends[0];
	run->streams[0].is_captured = run->options->capture;
	ret_ends[0] = ends[1];
	if (!run->options->capture)
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	run->streams[1].fd = ends[0];
	ret_ends[1] = ends[1];
	return 0;
}

/* Waits until the child executes its program (0) or fails to (its errno). */
static int read_report(int fd)
{
	int code = 0;
	ssize_t got;

	do {
		got = read(fd, &code, sizeof(code));
	} while (got < 0 && errno == EINTR);
	return got == (ssize_t)sizeof(code) ? -code : 0;
}

static int run_start(struct run *run, const char *const *argv,
		     struct error *err)
{
	int report[2], ends[2], code;
	pid_t parent = getpid();

	if (pipe2(report, O_CLOEXEC) < 0)
		return error_set_errno(err, -errno, "%s: pipe", run->name);
	code = open_pipes(run, ends);
	if (code == 0) {
		run->child = fork();
		if (run->child < 0)
			code = -errno;
		if (run->child == 0)
			child_exec(run, argv, ends[0],
				   ends[1] >= 0 ? ends[1] : ends[0], report[1],
				   parent);
	}
	(void)close(report[1]);
	for (size_t i = 0; i < ARRAY_COUNT(ends); i++)
		if (ends[i] >= 0)
			(void)close(ends[i]);
	if (code == 0)
		code = read_report(report[0]);
	(void)close(report[0]);
	if (code == 0)
		return 0;
	if (run->child > 0)
		(void)waitpid(run->child, NULL, 0);
	if (run->options->folder && !path_is_folder(run->options->folder))
		return error_set(err, code, "%s: cannot run in %s: %s",
				 run->name, run->options->folder,
				 strerror(-code));
	return error_set_errno(err, code, "%s: cannot be started", run->name);
}

static void run_signal(const struct run *run, int number)
{
	/* Not reaped yet, so neither number can belong to anybody else. */
	if (run->options->in_foreground)
		(void)kill(run->child, number);
	else
		(void)kill(-run->child, number);
}

static void run_stop(struct run *run, int code)
{
	if (run->stop_code)
		return;
	run->stop_code = code;
	run->kill_ns = clock_monotonic_ns() + GRACE_NS;
	if (!run->has_exited)
		run_signal(run, SIGTERM);
}

static void keep_tail(struct strbuf *tail, const char *data, size_t length)
{
	strbuf_add(tail, data, length);
	if (tail->length > 2 * TAIL_BYTES) {
		memmove(tail->data, tail->data + tail->length - TAIL_BYTES,
			TAIL_BYTES);
		strbuf_cut(tail, TAIL_BYTES);
	}
}

static void hand_on_line(const struct run *run, struct strbuf *line)
{
	run->options->on_line(run->options->context, line->data);
	strbuf_reset(line);
}

static void hand_on_lines(const struct run *run, struct stream *stream,
			  const char *data, size_t length)
{
	while (length) {
		const char *end = memchr(data, '\n', length);
		size_t part = end ? (size_t)(end - data) : length;

		strbuf_add(&stream->line, data, part);
		if (end || stream->line.length >= LINE_BYTES_MAX)
			hand_on_line(run, &stream->line);
		part += end != NULL;
		data += part;
		length -= part;
	}
}

static void stream_read(struct run *run, struct stream *stream)
{
	char block[READ_BLOCK_BYTES];
	ssize_t got = read(stream->fd, block, sizeof(block));
	int code;

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		if (run->options->on_line && stream->line.length)
			hand_on_line(run, &stream->line);
		(void)close(stream->fd);
		stream->fd = -1;
		return;
	}
	if (stream->is_captured)
		strbuf_add(&run->output, block, (size_t)got);
	else
		keep_tail(&run->tail, block, (size_t)got);
	if (run->file >= 0) {
		code = fd_write_all(run->file, block, (size_t)got);
		if (code < 0)
			run_stop(run, code);
	}
	if (run->options->on_line)
		hand_on_lines(run, stream, block, (size_t)got);
}

/* Notes the exit and ends the rest of the group; the child is reaped later,
 * so that the group's number stays ours. */
static void run_note_exit(struct run *run)
{
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)run->child, &info,
		   WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
		return;
	run->has_exited = true;
	if (!run->options->in_foreground)
		run_signal(run, SIGKILL);
}

static int wait_ms(uint64_t now_ns, uint64_t deadline_ns)
{
	uint64_t ms;

	if (deadline_ns == 0)
		return -1;
	if (deadline_ns <= now_ns)
		return 0;
	ms = (deadline_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	return ms < 3600000 ? (int)ms : 3600000;
}

/* The earlier of its own and everybody's; 0: none. */
static uint64_t run_deadline(const struct run *run)
{
	uint64_t timeout_ns = run->options->timeout_ns;
	uint64_t own_ns = timeout_ns ? clock_monotonic_ns() + timeout_ns : 0;
	uint64_t all_ns = atomic_load(&work_deadline_ns);

	return own_ns && (!all_ns || own_ns < all_ns) ? own_ns : all_ns;
}

/* Follows the child until it has exited and its pipes are at their ends. */
static void run_follow(struct run *run)
{
	uint64_t deadline_ns = run_deadline(run);
	uint64_t output_end_ns = 0;

	while (!run->has_exited || run->streams[0].fd >= 0 ||
	       run->streams[1].fd >= 0) {
		struct pollfd fds[4] = {
			{ .fd = run->streams[0].fd, .events = POLLIN },
			{ .fd = run->streams[1].fd, .events = POLLIN },
			{ .fd = run->has_exited ? -1 : run->pid_fd,
			  .events = POLLIN },
			{ .fd = run->stop_code || run->has_exited ?
				-1 : atomic_load(&cancel_fd),
			  .events = POLLIN },
		};
		uint64_t now_ns = clock_monotonic_ns(), next_ns = deadline_ns;

		if (run->has_exited)
			next_ns = output_end_ns;
		else if (run->stop_code)
			next_ns = run->kill_ns;
		if (next_ns && now_ns >= next_ns) {
			/* Somebody who left the group holds the pipes. */
			if (run->has_exited)
				return;
			if (run->stop_code)
				run_signal(run, SIGKILL);
			else
				run_stop(run, process_deadline_passed() ? -ETIME : -ETIMEDOUT);
			run->kill_ns = now_ns + GRACE_NS;
			continue;
		}
		(void)poll(fds, ARRAY_COUNT(fds), wait_ms(now_ns, next_ns));
		for (size_t i = 0; i < ARRAY_COUNT(run->streams); i++)
			if (run->streams[i].fd >= 0 && fds[i].revents)
				stream_read(run, &run->streams[i]);
		if (!run->has_exited && fds[2].revents) {
			run_note_exit(run);
			if (run->has_exited)
				output_end_ns = clock_monotonic_ns() + GRACE_NS;
		}
		if (!run->has_exited && process_is_cancelled())
			run_stop(run, -ECANCELED);
	}
}

/* The last lines of stderr, for a message; "" or ": ...". Owned. */
static char *tail_text(struct strbuf *tail)
{
	const char *start = tail->data;

	while (tail->length && strchr("\n\r \t", tail->data[tail->length - 1]))
		strbuf_cut(tail, tail->length - 1);
	if (tail->length == 0)
		return string_copy("");
	if (tail->length > TAIL_BYTES) {
		start = tail->data + tail->length - TAIL_BYTES;
		start = strchr(start, '\n') ? strchr(start, '\n') + 1 : start;
	}
	return string_format(": %s", start);
}

static int run_judge(struct run *run, struct error *err)
{
	cleanup_free char *tail = tail_text(&run->tail);
	char time[CLOCK_TEXT_MAX];

	if (run->stop_code == -ETIMEDOUT)
		return error_set(err, -ETIMEDOUT, "%s: ended after %s: too slow%s",
				 run->name,
				 duration_format(run->options->timeout_ns, time),
				 tail);
	if (run->stop_code == -ETIME)
		return error_set(err, -ETIME, "%s: ended: its time is up", run->name);
	if (run->stop_code == -ECANCELED)
		return error_set(err, -ECANCELED, "%s: interrupted", run->name);
	if (run->stop_code)
		return error_set_errno(err, run->stop_code, "%s: writing %s",
				       run->name, run->options->output_path);
	if (WIFSIGNALED(run->status))
		return error_set(err, -EREMOTEIO, "%s: killed by signal %d (%s)%s",
				 run->name, WTERMSIG(run->status),
				 strsignal(WTERMSIG(run->status)), tail);
	if (WEXITSTATUS(run->status) != 0)
		return error_set(err, -EREMOTEIO, "%s: exit status %d%s",
				 run->name, WEXITSTATUS(run->status), tail);
	return 0;
}

static int run_prepare(struct run *run, const char *const *argv,
		       struct error *err)
{
	const struct process_options *options = run->options;

	pthread_once(&cancel_once, cancel_fd_open);
	if (process_is_cancelled())
		return error_set(err, -ECANCELED, "%s: interrupted", run->name);
	if (process_deadline_passed())
		return error_set(err, -ETIME, "%s: not started: its time is up", run->name);
	/* A relative path is looked up in the child's folder, by execve. */
	run->program = strchr(argv[0], '/') ? string_copy(argv[0]) :
					      process_find_program(argv[0]);
	if (!run->program)
		return error_set(err, -ENOENT, "%s: program not found in PATH",
				 run->name);
	if (options->input_path && access(options->input_path, R_OK) < 0)
		return error_set_errno(err, -errno, "%s", options->input_path);
	make_environment(options->environment, &run->environment);
	if (!options->output_path)
		return 0;
	run->file = open(options->output_path,
			 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (run->file < 0)
		return error_set_errno(err, -errno, "%s", options->output_path);
	return 0;
}

int process_run(const char *const *argv, const struct process_options *options,
		char **ret_output, struct error *err)
{
	static const struct process_options defaults = { .folder = NULL };
	cleanup_with(run_release) struct run run = {
		.name = path_base_name(argv[0]),
		.options = options ? options : &defaults,
		.pid_fd = -1, .file = -1,
		.streams = { { .fd = -1, .line = STRBUF_INIT },
			     { .fd = -1, .line = STRBUF_INIT } },
		.output = STRBUF_INIT, .tail = STRBUF_INIT,
	};
	int code = run_prepare(&run, argv, err);

	if (code < 0)
		return code;
	code = run_start(&run, argv, err);
	if (code < 0)
		return code;
	run.pid_fd = pidfd_open(run.child, 0);
	if (run.pid_fd < 0) {
		code = error_set_errno(err, -errno, "%s: pidfd_open", run.name);
		run_signal(&run, SIGKILL);
		(void)waitpid(run.child, NULL, 0);
		return code;
	}
	run_follow(&run);
	while (waitpid(run.child, &run.status, 0) < 0 && errno == EINTR)
		;
	code = run_judge(&run, err);
	if (code == 0 && ret_output && run.options->capture)
		*ret_output = strbuf_detach(&run.output);
	return code;
}
