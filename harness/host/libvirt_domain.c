/* libvirt_domain.c - domains: started, watched, described, ended. Their XML is
 * model/guest_spec.h's, what their guests say guest_link.h's.
 */
#include "libvirt_private.h"

#include <errno.h>
#include <string.h>
#include <sys/pidfd.h>

#include "files.h"
#include "memory.h"

#define LOG_BYTES_MAX (8u << 20)

/* Owned; NULL unless embedded. */
static char *embedded_path(const struct libvirt_host *host, const char *folder,
			   virDomainPtr handle, const char *ending)
{
	const char *name = virDomainGetName(handle);

	if (!host->root || !name)
		return NULL;
	return string_format("%s/%s/%s%s", embed_root_path(host->root), folder,
			     name, ending);
}

static void forget_watch(struct libvirt_host *host, struct exit_watch *watch)
{
	struct exit_watch **at;

	pthread_mutex_lock(&host->lock);
	for (at = &host->watches; *at && *at != watch; at = &(*at)->next)
		;
	if (*at)
		*at = watch->next;
	pthread_mutex_unlock(&host->lock);
}

static void on_exit_watch(int id, int fd, int events, void *context)
{
	struct exit_watch *watch = context;

	(void)fd;
	(void)events;
	libvirt_queue_event(watch->host, watch->uuid, DOMAIN_EXITED);
	forget_watch(watch->host, watch);
	(void)virEventRemoveHandle(id);
}

static void free_exit_watch(void *context)
{
	struct exit_watch *watch = context;

	close(watch->fd);
	free(watch);
}

/* The loop frees what was removed from it when it next runs, here for the last
 * time: its thread has ended. */
void libvirt_drop_watches(struct libvirt_host *host)
{
	for (struct exit_watch *watch = host->watches; watch; watch = watch->next)
		(void)virEventRemoveHandle(watch->id);
	host->watches = NULL;
	if (host->tick_id < 0)
		return;
	virEventUpdateTimeout(host->tick_id, 0);
	(void)virEventRunDefaultImpl();
	(void)virEventRemoveTimeout(host->tick_id);
}

/* Follows the end of the process itself. Without it (a pid file that is gone
 * already) libvirt's own event still comes. */
static void watch_exit(struct libvirt_host *host, const struct domain *domain)
{
	cleanup_free char *path = embedded_path(host, "run/qemu", domain->handle,
						".pid");
	cleanup_free char *text = NULL;
	struct exit_watch *watch;
	int fd;

	if (!path || file_read_line(path, &text) < 0)
		return;
	fd = pidfd_open((pid_t)strtol(text, NULL, 10), 0);
	if (fd < 0)
		return;
	watch = memory_alloc(sizeof(*watch));
	watch->host = host;
	watch->fd = fd;
	memcpy(watch->uuid, domain->uuid, sizeof(watch->uuid));
	pthread_mutex_lock(&host->lock);
	watch->id = virEventAddHandle(fd, VIR_EVENT_HANDLE_READABLE,
				      on_exit_watch, watch, free_exit_watch);
	if (watch->id >= 0) {
		watch->next = host->watches;
		host->watches = watch;
	}
	pthread_mutex_unlock(&host->lock);
	if (watch->id < 0)
		free_exit_watch(watch);
}

static virDomainPtr create_domain(struct libvirt_host *host, const char *xml,
				  unsigned int flags)
{
	virDomainPtr handle;

	if (!host->autodestroy)
		return virDomainCreateXML(host->connection, xml, flags);
	handle = virDomainCreateXML(host->connection, xml,
				    VIR_DOMAIN_START_AUTODESTROY | flags);
	if (handle)
		return handle;
	switch (virGetLastErrorCode()) {
	case VIR_ERR_INVALID_ARG:
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_CONFIG_UNSUPPORTED:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_OPERATION_INVALID:
	case VIR_ERR_ARGUMENT_UNSUPPORTED:
		/* Drivers that cannot say so in one of these ways. */
		host->autodestroy = false;
		return virDomainCreateXML(host->connection, xml, flags);
	default:
		return NULL;
	}
}

static void count_unstopped(struct libvirt_host *host, int change)
{
	pthread_mutex_lock(&host->lock);
	host->unstopped_count += (uint32_t)change;
	pthread_mutex_unlock(&host->lock);
}

static int start(struct libvirt_host *host, const char *xml, unsigned int flags,
		 struct domain **ret_domain, struct error *err)
{
	struct domain *domain;
	virDomainPtr handle;

	/* Before the start: its end may be heard of before the call returns. */
	count_unstopped(host, 1);
	handle = create_domain(host, xml, flags);
	if (!handle) {
		count_unstopped(host, -1);
		return libvirt_failed(err, "start the guest");
	}
	domain = memory_alloc(sizeof(*domain));
	domain->host = host;
	domain->handle = handle;
	(void)virDomainGetUUIDString(handle, domain->uuid);
	domain->next = host->domains;
	host->domains = domain;
	watch_exit(host, domain);
	if (host->root && !host->started_one)
		embed_root_keep_abilities(host->root);
	host->started_one = true;
	*ret_domain = domain;
	return 0;
}

int domain_start(struct libvirt_host *host, const char *xml,
		 struct domain **ret_domain, struct error *err)
{
	return start(host, xml, 0, ret_domain, err);
}

int domain_start_paused(struct libvirt_host *host, const char *xml,
			struct domain **ret_domain, struct error *err)
{
	return start(host, xml, VIR_DOMAIN_START_PAUSED, ret_domain, err);
}

const char *domain_uuid(const struct domain *domain)
{
	return domain->uuid;
}

int domain_live_xml(struct domain *domain, char **ret_xml, struct error *err)
{
	char *xml = virDomainGetXMLDesc(domain->handle, 0);

	if (!xml)
		return libvirt_failed(err, "describe the guest");
	*ret_xml = xml;
	return 0;
}

int domain_console_path(struct domain *domain, char **ret_path,
			struct error *err)
{
	static const char mark[] = "<source path='/dev/pts/";
	cleanup_free char *xml = NULL;
	const char *start;
	int code = domain_live_xml(domain, &xml, err);

	if (code < 0)
		return code;
	start = strstr(xml, mark);
	if (!start)
		return error_set(err, -ENXIO, "the guest has no terminal of "
				 "this host as its console");
	start += strcspn(start, "/");
	*ret_path = string_copy_n(start, strcspn(start, "'"));
	return 0;
}

int domain_attach_device(struct domain *domain, const char *xml,
			 struct error *err)
{
	if (virDomainAttachDeviceFlags(domain->handle, xml,
				       VIR_DOMAIN_AFFECT_LIVE) < 0)
		return libvirt_failed(err, "attach the device");
	return 0;
}

char *domain_qemu_log(const struct domain *domain)
{
	cleanup_free char *path = embedded_path(domain->host, "log/qemu",
						domain->handle, ".log");
	char *text = NULL;

	if (!path || file_read(path, LOG_BYTES_MAX, &text, NULL) < 0)
		return NULL;
	return text;
}

void domain_destroy(struct domain *domain)
{
	/* A domain that stopped by itself is not an error here. */
	(void)virDomainDestroy(domain->handle);
}

void domain_free(struct domain *domain)
{
	struct domain **at;

	if (!domain)
		return;
	for (at = &domain->host->domains; *at && *at != domain;
	     at = &(*at)->next)
		;
	if (*at)
		*at = domain->next;
	(void)virDomainFree(domain->handle);
	free(domain);
}

int libvirt_host_qemu_command(struct libvirt_host *host, const char *xml,
			      char **ret_command, struct error *err)
{
	char *command = virConnectDomainXMLToNative(host->connection,
						    "qemu-argv", xml, 0);

	if (!command)
		return libvirt_failed(err, "write QEMU's command line");
	*ret_command = command;
	return 0;
}
