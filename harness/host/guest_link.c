/* guest_link.c - inotify(7) on the files behind serial ports, and the reading
 * of what they grew by. Knows nothing of what the bytes mean, and never holds a
 * guest up: the files are written whether or not somebody reads.
 *
 * The descriptor to poll is an epoll instance over the inotify descriptor and
 * an eventfd; the eventfd is set while a port still has bytes that one call's
 * share did not cover, so that nothing waits for the guest's next byte.
 */
#include "guest_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "memory.h"

#define READ_BYTES (64u << 10)
#define SHARE_BYTES (UINT64_C(1) << 20) /* of one port in one call */

struct guest_port {
	struct guest_link *link;  /* borrowed */
	struct guest_port *next;
	char *path;               /* owned */
	int fd;
	int watch;
	bool is_due;              /* may hold bytes not read yet */
	uint64_t bytes;
	guest_data_fn on_data;
	void *context;            /* borrowed */
};

struct guest_link {
	int poll_fd;
	int inotify_fd;
	int due_fd;
	struct guest_port *ports; /* owned */
	char buffer[READ_BYTES];
};

static int add_to_poll(int poll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int guest_link_open(struct guest_link **ret_link, struct error *err)
{
	struct guest_link *link = memory_alloc(sizeof(*link));

	link->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	link->due_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	link->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (link->inotify_fd < 0 || link->due_fd < 0 || link->poll_fd < 0 ||
	    add_to_poll(link->poll_fd, link->inotify_fd) < 0 ||
	    add_to_poll(link->poll_fd, link->due_fd) < 0) {
		int code = -errno;

		guest_link_close(link);
		return error_set_errno(err, code,
				       "cannot watch the guests' serial ports "
				       "(inotify)");
	}
	*ret_link = link;
	return 0;
}

void guest_link_close(struct guest_link *link)
{
	if (!link)
		return;
	while (link->ports)
		guest_port_remove(link->ports);
	cleanup_close_fd_(&link->poll_fd);
	cleanup_close_fd_(&link->due_fd);
	cleanup_close_fd_(&link->inotify_fd);
	free(link);
}

int guest_link_fd(const struct guest_link *link)
{
	return link->poll_fd;
}

int guest_link_add(struct guest_link *link, const char *path,
		   guest_data_fn on_data, void *context,
		   struct guest_port **ret_port, struct error *err)
{
	cleanup_close int fd = -1;
	struct guest_port *port;
	int watch;

	fd = open(path, O_RDONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_set_errno(err, -errno, "%s: cannot create it",
				       path);
	watch = inotify_add_watch(link->inotify_fd, path, IN_MODIFY);
	if (watch < 0)
		return error_set_errno(err, -errno, "%s: cannot watch it", path);
	port = memory_alloc(sizeof(*port));
	port->link = link;
	port->path = string_copy(path);
	port->fd = take_fd(&fd);
	port->watch = watch;
	port->on_data = on_data;
	port->context = context;
	port->next = link->ports;
	link->ports = port;
	*ret_port = port;
	return 0;
}

static void mark_due(struct guest_link *link, int watch)
{
	for (struct guest_port *port = link->ports; port; port = port->next)
		/* After an overflow of the queue (watch -1) any may be. */
		if (port->watch == watch || watch == -1)
			port->is_due = true;
}

static void take_notices(struct guest_link *link)
{
	char text[4096]
		__attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	ssize_t length;

	while ((length = read(link->inotify_fd, text, sizeof(text))) > 0)
		for (ssize_t at = 0; at < length;
		     at += (ssize_t)(sizeof(*event) + event->len)) {
			event = (const struct inotify_event *)(text + at);
			mark_due(link, event->wd);
		}
}

/* Hands on at most `share` bytes; is_due stays set if there may be more. */
static int read_port(struct guest_port *port, uint64_t share, struct error *err)
{
	while (share > 0) {
		size_t wanted = share < READ_BYTES ? share : READ_BYTES;
		ssize_t length = read(port->fd, port->link->buffer, wanted);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return error_set_errno(err, -errno, "%s: cannot read it",
					       port->path);
		if (length == 0) {
			port->is_due = false;
			return 0;
		}
		port->bytes += (uint64_t)length;
		share -= (uint64_t)length;
		port->on_data(port->context, port->link->buffer, (size_t)length);
	}
	return 0;
}

int guest_link_pump(struct guest_link *link, struct error *err)
{
	struct guest_port *port, *next;
	uint64_t counter;
	bool is_due = false;
	int code = 0;

	(void)!read(link->due_fd, &counter, sizeof(counter));
	take_notices(link);
	for (port = link->ports; port && code == 0; port = next) {
		next = port->next;
		if (port->is_due)
			code = read_port(port, SHARE_BYTES, err);
		is_due |= port->is_due;
	}
	counter = 1;
	if (is_due)
		(void)!write(link->due_fd, &counter, sizeof(counter));
	return code;
}

int guest_port_drain(struct guest_port *port, struct error *err)
{
	return read_port(port, UINT64_MAX, err);
}

uint64_t guest_port_bytes(const struct guest_port *port)
{
	return port->bytes;
}

void guest_port_remove(struct guest_port *port)
{
	struct guest_port **at;

	if (!port)
		return;
	for (at = &port->link->ports; *at && *at != port; at = &(*at)->next)
		;
	if (*at)
		*at = port->next;
	(void)inotify_rm_watch(port->link->inotify_fd, port->watch);
	close(port->fd);
	free(port->path);
	free(port);
}
