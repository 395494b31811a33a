/* guest_link.h - follows the files that a guest's serial ports write, as they
 * grow (inotify). Files, not sockets: a guest is never slowed by its reader.
 *
 *     guest_link_open(&link, err);                    // one for a fleet
 *     guest_link_add(link, path, context, &port, err); // creates the file empty
 *     poll(guest_link_fd(link)) > guest_link_pump(link, on_data, arg);
 *     guest_link_drain(port, ...)                     // the rest, after the stop
 */
#ifndef KERNGATE_HOST_GUEST_LINK_H
#define KERNGATE_HOST_GUEST_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

struct guest_link;
struct guest_port;

typedef void (*guest_data_fn)(void *context, const void *data, size_t length);

int guest_link_open(struct guest_link **ret_link, struct error *err) must_check;
void guest_link_close(struct guest_link *link); /* frees ports left; NULL allowed */
int guest_link_fd(const struct guest_link *link);
/* on_data is called from pump and drain, with at most 64 KiB a time. */
int guest_link_add(struct guest_link *link, const char *path,
		   guest_data_fn on_data, void *context,
		   struct guest_port **ret_port, struct error *err) must_check;
/* Reads what is new in all ports (at most 1 MiB a port and call). */
int guest_link_pump(struct guest_link *link, struct error *err) must_check;
/* Reads one port to its end. */
int guest_port_drain(struct guest_port *port, struct error *err) must_check;
uint64_t guest_port_bytes(const struct guest_port *port); /* read so far */
void guest_port_remove(struct guest_port *port); /* NULL allowed */

#endif
