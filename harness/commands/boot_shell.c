/* boot_shell.c - carries bytes between this terminal and the pseudo terminal of
 * a guest's console. It has no deadlines and judges nothing: a person watches.
 */
#include "boot_shell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "fleet_guest.h"
#include "guest_files.h"
#include "libvirt_host.h"
#include "log.h"
#include "memory.h"
#include "process.h"

#define LEAVE_BYTE 0x1d /* Ctrl-] */
#define BLOCK_BYTES 4096
#define END_BYTE 0x04   /* Ctrl-D */
#define POLL_MS 200     /* how soon an interrupt is noticed */

struct shell {
	struct libvirt_host *host;
	struct domain *domain;
	char *xml;             /* owned */
	struct guest_files files;
	int console_fd;
	bool input_open, is_over, is_left;
	bool has_prompt;       /* the guest's shell listens */
	size_t prompt_matched; /* bytes of the prompt seen in a row */
};

static struct termios before;
static bool is_raw;

static void restore_terminal(void)
{
	if (is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	is_raw = false;
}

/* Input that is no terminal (a script) is passed on as it is. */
static void make_raw(void)
{
	static bool is_registered;
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return;
	if (!is_registered)
		(void)atexit(restore_terminal);
	is_registered = true;
	raw = before;
	cfmakeraw(&raw);
	is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

char *boot_shell_arguments(void)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-+._";
	const char *term = getenv("TERM");
	struct winsize size = { 0 };
	struct strbuf text = STRBUF_INIT;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col &&
	    size.ws_row)
		strbuf_addf(&text, " LINES=%u COLUMNS=%u", size.ws_row,
			    size.ws_col);
	/* The kernel splits at blanks and knows quotes: nothing else gets in. */
	if (term && *term && term[strspn(term, allowed)] == '\0')
		strbuf_addf(&text, " TERM=%s", term);
	return strbuf_detach(&text);
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t put = write(fd, data, length);

		if (put < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (put < 0)
			return -errno;
		data += put;
		length -= (size_t)put;
	}
	return 0;
}

static void take_input(struct shell *shell)
{
	char block[BLOCK_BYTES];
	ssize_t got = read(STDIN_FILENO, block, sizeof(block));
	const char *leave;

	if (got < 0 && errno == EINTR)
		return;
	if (got <= 0) {
		/* The end of a script ends the guest's shell. */
		block[0] = END_BYTE;
		(void)write_all(shell->console_fd, block, 1);
		shell->input_open = false;
		return;
	}
	leave = is_raw ? memchr(block, LEAVE_BYTE, (size_t)got) : NULL;
	if (leave) {
		shell->is_left = true;
		got = leave - block;
	}
	if (write_all(shell->console_fd, block, (size_t)got) < 0)
		shell->input_open = false;
}

/* A script's input is held back until there is a shell to read it: what comes
 * before is lost. A person sees for himself. */
static bool wants_input(const struct shell *shell)
{
	return shell->input_open && (is_raw || shell->has_prompt);
}

/* Busybox's prompt in the root folder; what follows it may be a question for
 * the terminal's cursor. */
static void look_for_prompt(struct shell *shell, const char *data, size_t length)
{
	static const char prompt[] = "/ # ";

	for (size_t i = 0; i < length && !shell->has_prompt; i++) {
		if (data[i] != prompt[shell->prompt_matched])
			shell->prompt_matched = 0;
		if (data[i] == prompt[shell->prompt_matched])
			shell->prompt_matched++;
		shell->has_prompt = prompt[shell->prompt_matched] == '\0';
	}
}

/* 0, or -errno of our own output. EIO: nobody is behind the console any more. */
static int take_output(struct shell *shell)
{
	char block[BLOCK_BYTES];
	ssize_t got = read(shell->console_fd, block, sizeof(block));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (got <= 0) {
		shell->is_over = true;
		return 0;
	}
	look_for_prompt(shell, block, (size_t)got);
	return write_all(STDOUT_FILENO, block, (size_t)got);
}

static void take_events(struct shell *shell)
{
	struct domain_event event;

	while (libvirt_host_next_event(shell->host, &event))
		if (event.kind != DOMAIN_CRASHED)
			shell->is_over = true;
}

/* What the guest said last may still lie in the console. */
static int drain_console(struct shell *shell)
{
	struct pollfd console = { .fd = shell->console_fd, .events = POLLIN };
	int code = 0;

	shell->is_over = false;
	while (code == 0 && !shell->is_over && poll(&console, 1, 0) > 0)
		code = take_output(shell);
	shell->is_over = true;
	return code;
}

static int follow(struct shell *shell, struct error *err)
{
	int code = 0;

	while (code == 0 && !shell->is_over && !shell->is_left) {
		struct pollfd sources[] = {
			{ .fd = wants_input(shell) ? STDIN_FILENO : -1,
			  .events = POLLIN },
			{ .fd = shell->console_fd, .events = POLLIN },
			{ .fd = libvirt_host_event_fd(shell->host),
			  .events = POLLIN },
		};

		if (process_is_cancelled() || fleet_is_interrupted())
			return error_set(err, -EINTR, "interrupted");
		(void)poll(sources, ARRAY_COUNT(sources), POLL_MS);
		if (sources[0].revents)
			take_input(shell);
		if (sources[1].revents)
			code = take_output(shell);
		take_events(shell);
	}
	if (code == 0)
		code = drain_console(shell);
	if (code < 0)
		return error_set_errno(err, code, "cannot write to the terminal");
	return 0;
}

static char *make_xml(const struct fleet_options *options, const struct fleet_job *job,
		      const struct guest_files *files, const char *emulator)
{
	cleanup_free char *cmdline = fleet_kernel_cmdline(
		job, options->accelerator);
	struct guest_boot boot = {
		.domain_name = job->name,
		.emulator = emulator,
		.accelerator = options->accelerator,
		.kernel_path = job->kernel_path,
		.initrd_path = job->initrd_path,
		.cmdline = cmdline,
		.pmem_path = files->pmem_path,
		.disk_path = files->disk_path,
	};
	char uuid[37];

	fleet_uuid(job->name, uuid);
	boot.uuid = uuid;
	return guest_domain_xml(job->guest, &boot);
}

static int open_console(struct shell *shell, struct error *err)
{
	cleanup_free char *path = NULL;
	int code = domain_console_path(shell->domain, &path, err);

	if (code < 0)
		return code;
	shell->console_fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (shell->console_fd < 0)
		return error_set_errno(err, -errno, "%s: cannot open the guest's "
				       "console", path);
	return 0;
}

static void shell_release(struct shell *shell)
{
	restore_terminal();
	if (shell->domain && !shell->is_over)
		domain_destroy(shell->domain);
	domain_free(shell->domain);
	libvirt_host_close(shell->host);
	if (shell->console_fd >= 0)
		close(shell->console_fd);
	guest_files_remove(&shell->files);
	free(shell->xml);
}

int boot_shell(const struct fleet_options *options, const struct fleet_job *job,
	       struct error *err)
{
	cleanup_with(shell_release) struct shell shell = { .console_fd = -1,
							   .input_open = true };
	cleanup_free char *emulator = NULL;
	int code = libvirt_host_open(options->uri, options->state_dir,
				     &shell.host, err);

	if (code < 0)
		return code;
	emulator = libvirt_host_emulator(shell.host);
	code = guest_files_make(job->guest, job->folder, &shell.files, err);
	if (code < 0)
		return code;
	shell.xml = make_xml(options, job, &shell.files, emulator);
	code = domain_start(shell.host, shell.xml, &shell.domain, err);
	if (code == 0)
		code = open_console(&shell, err);
	if (code < 0)
		return code;
	log_info("the guest's console; Ctrl-] ends the guest");
	make_raw();
	code = follow(&shell, err);
	restore_terminal();
	if (shell.is_left)
		fputs("\n", stdout);
	return code;
}
