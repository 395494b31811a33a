/* system.c - small files of /proc and /sys, the clock, and tools to run. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "workload.h"

#define FILE_TEXT_MAX 65536

uint64_t clock_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void sleep_ns(uint64_t duration_ns)
{
	struct timespec duration = { .tv_sec = (time_t)(duration_ns / 1000000000u),
				     .tv_nsec = (long)(duration_ns % 1000000000u) };

	if (duration_ns)
		(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &duration, NULL);
}

int text_write(const char *path, const char *text)
{
	size_t length = strlen(text);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int result = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, length);
	if (n < 0)
		result = -errno;
	else if ((size_t)n != length)
		result = -EIO;
	close(fd);
	return result;
}

void text_write_or_broken(const char *path, const char *format, ...)
{
	va_list arguments;
	char text[256];
	int result;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	result = text_write(path, text);
	if (result < 0)
		workload_broken("writing %s to %s: %s", text, path,
				strerror(-result));
}

int text_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;

	if (fd < 0)
		return -errno;
	while (length < size - 1) {
		ssize_t n = read(fd, text + length, size - 1 - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			n = -errno;
			close(fd);
			return (int)n;
		}
		if (n == 0)
			break;
		length += (size_t)n;
	}
	close(fd);
	text[length] = '\0';
	return (int)length;
}

uint64_t number_read_or_broken(const char *path)
{
	char text[64], *end;
	unsigned long long number;
	int result = text_read(path, text, sizeof(text));

	if (result < 0)
		workload_broken("reading %s: %s", path, strerror(-result));
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text)
		workload_broken("%s: expected a number, found \"%.20s\"", path, text);
	return number;
}

uint64_t field_read_or_broken(const char *path, const char *field)
{
	static char text[FILE_TEXT_MAX];
	int result = text_read(path, text, sizeof(text));
	char *line, *state = NULL;
	size_t length = strlen(field);

	if (result < 0)
		workload_broken("reading %s: %s", path, strerror(-result));
	for (line = strtok_r(text, "\n", &state); line;
	     line = strtok_r(NULL, "\n", &state))
		if (!strncmp(line, field, length) && line[length] == ':')
			return strtoull(line + length + 1, NULL, 10);
	workload_broken("%s has no line %s", path, field);
}

bool kernel_argument(const char *name, char *value, size_t size)
{
	char text[4096], *word, *state = NULL;
	size_t length = strlen(name);

	if (text_read("/proc/cmdline", text, sizeof(text)) < 0)
		return false;
	for (word = strtok_r(text, " \n", &state); word;
	     word = strtok_r(NULL, " \n", &state)) {
		if (strncmp(word, name, length) || word[length] != '=')
			continue;
		snprintf(value, size, "%s", word + length + 1);
		return true;
	}
	return false;
}

static _Noreturn void tool_exec(const char *const *argv, int output_fd, int error_fd)
{
	int null_fd = open("/dev/null", O_RDWR);

	/* Some end their children by a signal to their whole group (fio, stress-ng). */
	setpgid(0, 0);
	dup2(null_fd, STDIN_FILENO);
	dup2(output_fd < 0 ? null_fd : output_fd, STDOUT_FILENO);
	dup2(error_fd, STDERR_FILENO);
	execvp(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

/* Keeps the last non-empty line of what comes through fd. */
static void last_line_read(int fd, char *message, size_t size)
{
	char c;
	size_t length = 0;
	bool fresh = true;

	message[0] = '\0';
	for (;;) {
		ssize_t n = read(fd, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		if (c == '\n') {
			fresh = true;
			continue;
		}
		if (fresh)
			length = 0;
		fresh = false;
		if (length < size - 1)
			message[length++] = c;
		message[length] = '\0';
	}
}

int tool_run_to(const char *const *argv, int output_fd, char *message,
		size_t message_size, int *ret_status)
{
	int error_pipe[2], status;
	pid_t pid;

	if (pipe2(error_pipe, O_CLOEXEC) < 0)
		workload_broken("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		workload_broken("fork: %s", strerror(errno));
	if (pid == 0)
		tool_exec(argv, output_fd, error_pipe[1]);
	close(error_pipe[1]);
	last_line_read(error_pipe[0], message, message_size);
	close(error_pipe[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			workload_broken("waitpid: %s", strerror(errno));
	*ret_status = status;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int tool_run(const char *const *argv, char *message, size_t message_size,
	     int *ret_status)
{
	return tool_run_to(argv, -1, message, message_size, ret_status);
}

void tool_measure(const char *const *argv, int output_fd)
{
	char message[256];
	int status, wait_status;

	workload_region_begin(MARKER_REGION_OWN);
	status = tool_run_to(argv, output_fd, message, sizeof(message), &wait_status);
	workload_region_end(MARKER_REGION_OWN);
	if (status < 0)
		workload_broken("%s: killed by signal %d", argv[0], WTERMSIG(wait_status));
	if (status > 0)
		workload_broken("%s: exit status %d: %s", argv[0], status, message);
}

void kernel_log_read(void (*read_record)(char *record))
{
	static char record[8192];
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		workload_broken("/dev/kmsg: %s", strerror(errno));
	for (;;) {
		ssize_t n = read(fd, record, sizeof(record) - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EPIPE)
			workload_broken("the kernel's log has overwritten its "
					"beginning");
		if (n <= 0)
			break;
		record[n] = '\0';
		read_record(record);
	}
	close(fd);
}
