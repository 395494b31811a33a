/* init_port.c - the result port: a serial line in raw mode, or any file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "init.h"

int port_open(struct port *port, const char *path)
{
	struct termios settings;

	port->sequence = 0;
	port->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	if (port->fd < 0)
		return -errno;
	if (isatty(port->fd) && !tcgetattr(port->fd, &settings)) {
		cfmakeraw(&settings);
		settings.c_cflag |= CLOCAL;
		cfsetspeed(&settings, B115200);
		if (tcsetattr(port->fd, TCSANOW, &settings) < 0)
			return -errno;
	}
	return 0;
}

void port_send(struct port *port, struct line *line)
{
	size_t length = line_end(line);

	/* A line that did not fit is left out: the host sees the gap in the
	 * sequence and calls the trial broken. */
	port->sequence++;
	if (length > 0 && line_write(port->fd, line->text, length) < 0)
		fprintf(stderr, "guest_init: result port: write failed\n");
}

void port_send_outcome(struct port *port, unsigned int row, const char *outcome,
		       const char *reason)
{
	struct line line;

	line_begin(&line, port->sequence, "outcome");
	line_addf(&line, "{\"row\":%u,\"outcome\":", row);
	line_add_string(&line, outcome);
	if (*reason) {
		line_addf(&line, ",\"reason\":");
		line_add_string(&line, reason);
	}
	line_addf(&line, "}");
	port_send(port, &line);
}

void port_drain(struct port *port)
{
	if (isatty(port->fd))
		(void)tcdrain(port->fd);
	else
		(void)fsync(port->fd);
}
