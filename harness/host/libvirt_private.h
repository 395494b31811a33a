/* libvirt_private.h - what libvirt_host.c (connection, events) and
 * libvirt_domain.c (domains) share. Only these two know libvirt.
 */
#ifndef KERNGATE_HOST_LIBVIRT_PRIVATE_H
#define KERNGATE_HOST_LIBVIRT_PRIVATE_H

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>

#include "embed_root.h"
#include "libvirt_host.h"

struct queued_event {
	struct domain_event event;
	struct queued_event *next;
};

struct libvirt_host {
	virConnectPtr connection;
	struct embed_root *root;       /* the process's; NULL unless embedded */
	char *emulator;                /* owned; NULL: ask libvirt */
	bool autodestroy;              /* to be asked for */
	bool started_one;
	int lifecycle_id;
	int tick_id;
	pthread_t thread;
	bool thread_runs;
	atomic_bool stopping;
	int event_fd;
	pthread_mutex_t lock;          /* of what follows but the domains */
	pthread_cond_t stopped;        /* unstopped_count has fallen */
	uint32_t unstopped_count;      /* started, and no last event yet */
	struct queued_event *first, *last; /* owned */
	struct exit_watch *watches;    /* of processes that live; see lock */
	struct domain *domains;        /* not yet freed; borrowed */
};

struct domain {
	struct libvirt_host *host;     /* borrowed */
	virDomainPtr handle;
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct domain *next;
};

/* A pidfd in the event loop; freed by libvirt. */
struct exit_watch {
	struct libvirt_host *host;     /* borrowed */
	int fd, id;
	char uuid[VIR_UUID_STRING_BUFLEN];
	struct exit_watch *next;
};

/* Fills err with "libvirt: cannot WHAT: " and libvirt's own words; -EIO. */
int libvirt_failed(struct error *err, const char *what);
/* From any thread. */
void libvirt_queue_event(struct libvirt_host *host, const char *uuid,
			 enum domain_event_kind kind);
/* Takes all watches out of the event loop, whose thread has ended. */
void libvirt_drop_watches(struct libvirt_host *host);

#endif
