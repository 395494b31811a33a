/* libvirt_host.h - domains on a libvirt host. The only code that knows
 * libvirt. Default URI: "embed" = the QEMU driver inside this process
 * (qemu:///embed?root=...), no daemon; or any libvirt URI.
 *
 *     libvirt_host_open(uri, state_dir, &host, err);
 *     fd = libvirt_host_event_fd(host);          // poll for POLLIN
 *     domain_start(host, xml, &domain, err);     // blocks ~0.3 s
 *     while (libvirt_host_next_event(host, &event)) ...  // never blocks
 *     domain_destroy(domain);                    // if still running
 *     domain_free(domain);
 *     libvirt_host_close(host);
 *
 * One open host per process. All calls from one thread, but for domain_start*() and
 * domain_attach_device(), which may take long; the event loop is a thread of its own
 * inside.
 */
#ifndef KERNGATE_HOST_LIBVIRT_HOST_H
#define KERNGATE_HOST_LIBVIRT_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "error.h"

struct libvirt_host;
struct domain;

enum domain_event_kind {
	DOMAIN_STOPPED,   /* powered off, or its process ended by itself */
	DOMAIN_DESTROYED, /* by us or somebody else */
	DOMAIN_CRASHED,   /* pvpanic; a stop event follows */
	DOMAIN_FAILED,    /* QEMU died or could not run it */
	DOMAIN_EXITED,    /* embedded driver only: its process is gone. One of the
			     above follows, about 0.2 s later: libvirt looks for
			     the end of a process five times a second */
};

struct domain_event {
	char uuid[37];               /* of the domain */
	enum domain_event_kind kind;
	uint64_t at_ns;              /* clock_monotonic_ns when it was received */
};

/* uri: "embed", "test:///default", or a libvirt URI. state_dir: absolute
 * folder for libvirt's log (created; may be as long as it likes: the embedded
 * driver's own root is a short-lived folder elsewhere, embed_root.h). */
int libvirt_host_open(const char *uri, const char *state_dir,
		      struct libvirt_host **ret_host, struct error *err) must_check;
void libvirt_host_close(struct libvirt_host *host); /* destroys its domains; NULL allowed */
int libvirt_host_event_fd(const struct libvirt_host *host);
bool libvirt_host_next_event(struct libvirt_host *host, struct domain_event *ret);
/* "libvirt 9.0.0, QEMU 7.2.22". Owned by the caller. */
char *libvirt_host_version(struct libvirt_host *host);
/* Path of the emulator for guests of this host; owned. */
char *libvirt_host_emulator(struct libvirt_host *host);

int domain_start(struct libvirt_host *host, const char *xml,
		 struct domain **ret_domain, struct error *err) must_check;
/* The same, but it stands before its first instruction until a debugger lets it
 * go on. */
int domain_start_paused(struct libvirt_host *host, const char *xml,
			struct domain **ret_domain, struct error *err) must_check;
const char *domain_uuid(const struct domain *domain);
/* Live XML (pty paths, addresses); owned. */
int domain_live_xml(struct domain *domain, char **ret_xml, struct error *err) must_check;
/* The terminal (pty) behind serial port 0 of a domain whose XML gives it no
 * file; owned. -ENXIO if it has none. */
int domain_console_path(struct domain *domain, char **ret_path,
			struct error *err) must_check;
/* Attaches a device to the running domain (memory DIMMs ...). */
int domain_attach_device(struct domain *domain, const char *xml,
			 struct error *err) must_check;
/* QEMU's command line as libvirt would write it; owned; for the record. */
int libvirt_host_qemu_command(struct libvirt_host *host, const char *xml,
			      char **ret_command, struct error *err) must_check;
/* What libvirt noted of this start: QEMU's command line as it was run, and what
 * it said on stderr. Owned; NULL unless the host is embedded. */
char *domain_qemu_log(const struct domain *domain);
/* Ends it; no error if already gone. Blocks ~0.2 s. */
void domain_destroy(struct domain *domain);
void domain_free(struct domain *domain); /* NULL allowed; does not end it */

#endif
