/* libvirt's own mock driver (test:///default) stands in for a hypervisor. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "libvirt_host.h"
#include "memory.h"
#include "test.h"

#define WAIT_MS 5000
#define UUID "12345678-1234-8123-a123-123456789abc"

static const char domain_xml[] =
	"<domain type='test'><name>guest</name><uuid>" UUID "</uuid>"
	"<memory unit='MiB'>128</memory><vcpu>1</vcpu>"
	"<os><type>hvm</type></os></domain>";

static struct libvirt_host *open_host(void)
{
	struct libvirt_host *host = NULL;
	struct error err = ERROR_INIT;

	if (!test_check(libvirt_host_open("test:///default", test_temp_folder(),
					  &host, &err) == 0))
		return NULL;
	return host;
}

/* The next event of the uuid; false if none comes in time. */
static bool wait_event(struct libvirt_host *host, struct domain_event *ret)
{
	struct pollfd ready = { .fd = libvirt_host_event_fd(host),
				.events = POLLIN };

	while (!libvirt_host_next_event(host, ret))
		if (poll(&ready, 1, WAIT_MS) <= 0)
			return false;
	return true;
}

static void test_opens(void)
{
	struct libvirt_host *host = open_host();
	cleanup_free char *version = NULL;
	cleanup_free char *emulator = NULL;
	struct domain_event event;

	if (!host)
		return;
	version = libvirt_host_version(host);
	test_check_contains(version, "libvirt ");
	emulator = libvirt_host_emulator(host);
	test_check(emulator && emulator[0] == '/');
	CU_ASSERT_FALSE(libvirt_host_next_event(host, &event));
	libvirt_host_close(host);
}

static void test_refuses(void)
{
	static const char *const uris[] = { "nonsense:///",
					    "", "qemu+unix:///system?socket=/nonexistent" };

	for (size_t i = 0; i < ARRAY_COUNT(uris); i++) {
		struct libvirt_host *host = NULL;
		struct error err = ERROR_INIT;

		CU_ASSERT_TRUE(libvirt_host_open(uris[i], test_temp_folder(),
						 &host, &err) < 0);
		CU_ASSERT_PTR_NULL(host);
		test_check_contains(err.message, "libvirt: cannot connect");
	}
	libvirt_host_close(NULL);
}

static void test_starts_and_destroys(void)
{
	struct libvirt_host *host = open_host();
	struct domain_event event = { .at_ns = 0 };
	struct domain *domain = NULL;
	struct error err = ERROR_INIT;
	cleanup_free char *xml = NULL;

	if (!host)
		return;
	if (test_check(domain_start(host, domain_xml, &domain, &err) == 0)) {
		test_check_string(domain_uuid(domain), UUID);
		CU_ASSERT_EQUAL(domain_live_xml(domain, &xml, &err), 0);
		test_check_contains(xml, "<name>guest</name>");
		CU_ASSERT_PTR_NULL(domain_qemu_log(domain));
		domain_destroy(domain);
		domain_destroy(domain); /* no error if it is gone */
		test_check(wait_event(host, &event));
		test_check_string(event.uuid, UUID);
		CU_ASSERT_EQUAL(event.kind, DOMAIN_DESTROYED);
		CU_ASSERT_TRUE(event.at_ns > 0);
		CU_ASSERT_FALSE(libvirt_host_next_event(host, &event));
		domain_free(domain);
	}
	libvirt_host_close(host);
}

static void test_bad_domains(void)
{
	static const char *const texts[] = {
		"", "<domain", "<domain type='test'/>",
		"<domain type='test'><name>a/b</name><memory>1</memory>"
		"<os><type>hvm</type></os></domain>",
	};
	struct libvirt_host *host = open_host();

	for (size_t i = 0; host && i < ARRAY_COUNT(texts); i++) {
		struct domain *domain = NULL;
		struct error err = ERROR_INIT;

		CU_ASSERT_EQUAL(domain_start(host, texts[i], &domain, &err),
				-EIO);
		CU_ASSERT_PTR_NULL(domain);
		test_check_contains(err.message,
				    "libvirt: cannot start the guest: ");
	}
	libvirt_host_close(host);
}

static void test_same_name_twice(void)
{
	struct libvirt_host *host = open_host();
	struct domain *first = NULL, *second = NULL;
	struct error err = ERROR_INIT;

	if (!host)
		return;
	CU_ASSERT_EQUAL(domain_start(host, domain_xml, &first, &err), 0);
	CU_ASSERT_EQUAL(domain_start(host, domain_xml, &second, &err), -EIO);
	CU_ASSERT_PTR_NULL(second);
	domain_free(first);
	domain_free(NULL);
	libvirt_host_close(host);
}

static void test_needs_a_console(void)
{
	struct libvirt_host *host = open_host();
	struct domain *domain = NULL;
	struct error err = ERROR_INIT;
	char *path = NULL;

	if (!host)
		return;
	if (test_check(domain_start(host, domain_xml, &domain, &err) == 0))
		CU_ASSERT_EQUAL(domain_console_path(domain, &path, &err),
				-ENXIO);
	CU_ASSERT_PTR_NULL(path);
	/* Closing ends and frees what is left. */
	libvirt_host_close(host);
}

TEST_SUITE("libvirt_host",
	   {"opens and names itself", test_opens},
	   {"refuses bad URIs", test_refuses},
	   {"starts and destroys", test_starts_and_destroys},
	   {"refuses bad domains", test_bad_domains},
	   {"refuses a second of the same name", test_same_name_twice},
	   {"no console, no path", test_needs_a_console})
