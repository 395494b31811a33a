#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "guest_link.h"
#include "memory.h"
#include "strbuf.h"
#include "test.h"

#define WAIT_MS 5000
#define MIB (1u << 20)

struct reader {
	struct strbuf text;
	size_t largest; /* of one call */
};

static void on_data(void *context, const void *data, size_t length)
{
	struct reader *reader = context;

	strbuf_add(&reader->text, data, length);
	if (length > reader->largest)
		reader->largest = length;
}

struct bench {
	struct guest_link *link;
	struct guest_port *port;
	struct reader reader;
	char *path;
	int fd; /* the writing end */
};

static bool bench_open(struct bench *bench)
{
	struct error err = ERROR_INIT;

	*bench = (struct bench){ .reader = { .text = STRBUF_INIT }, .fd = -1 };
	bench->path = path_join(test_temp_folder(), "console.log");
	if (!test_check(guest_link_open(&bench->link, &err) == 0) ||
	    !test_check(guest_link_add(bench->link, bench->path, on_data,
				       &bench->reader, &bench->port, &err) == 0))
		return false;
	bench->fd = open(bench->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	return test_check(bench->fd >= 0);
}

static void bench_close(struct bench *bench)
{
	guest_link_close(bench->link);
	strbuf_release(&bench->reader.text);
	free(bench->path);
	if (bench->fd >= 0)
		close(bench->fd);
}

static bool put(int fd, const char *text)
{
	return write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* Waits for the link's descriptor, then pumps: as a fleet does. */
static bool pump(struct bench *bench)
{
	struct pollfd ready = { .fd = guest_link_fd(bench->link),
				.events = POLLIN };
	struct error err = ERROR_INIT;

	return poll(&ready, 1, WAIT_MS) == 1 &&
	       guest_link_pump(bench->link, &err) == 0;
}

static bool is_quiet(const struct bench *bench)
{
	struct pollfd ready = { .fd = guest_link_fd(bench->link),
				.events = POLLIN };

	return poll(&ready, 1, 0) == 0;
}

static void test_follows(void)
{
	struct bench bench;

	if (bench_open(&bench)) {
		test_check(is_quiet(&bench));
		test_check(put(bench.fd, "one\n"));
		test_check(pump(&bench));
		test_check_string(bench.reader.text.data, "one\n");
		test_check(is_quiet(&bench));
		test_check(put(bench.fd, "tw"));
		test_check(put(bench.fd, "o\n"));
		test_check(pump(&bench));
		test_check_string(bench.reader.text.data, "one\ntwo\n");
		CU_ASSERT_EQUAL(guest_port_bytes(bench.port), 8);
	}
	bench_close(&bench);
}

/* More than one call's share: the rest must come without another write. */
static void test_large(void)
{
	cleanup_free char *block = memory_alloc(MIB);
	struct bench bench;

	if (bench_open(&bench)) {
		memset(block, 'x', MIB);
		for (int i = 0; i < 3; i++)
			test_check(write(bench.fd, block, MIB) == MIB);
		test_check(put(bench.fd, "end"));
		test_check(pump(&bench));
		CU_ASSERT_EQUAL(bench.reader.text.length, MIB);
		for (int i = 0; i < 3; i++)
			test_check(pump(&bench));
		CU_ASSERT_EQUAL(bench.reader.text.length, 3 * MIB + 3);
		CU_ASSERT_TRUE(bench.reader.largest <= 65536);
		/* At the end of what there is, no more calls than needed. */
		while (!is_quiet(&bench) && test_check(pump(&bench)))
			;
		CU_ASSERT_EQUAL(guest_port_bytes(bench.port), 3 * MIB + 3);
	}
	bench_close(&bench);
}

static void test_two_ports(void)
{
	struct reader second = { .text = STRBUF_INIT };
	cleanup_free char *path = path_join(test_temp_folder(), "results.log");
	cleanup_close int fd = -1;
	struct error err = ERROR_INIT;
	struct guest_port *port;
	struct bench bench;

	if (bench_open(&bench) &&
	    test_check(guest_link_add(bench.link, path, on_data, &second, &port,
				      &err) == 0)) {
		fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
		test_check(put(fd, "results"));
		test_check(put(bench.fd, "console"));
		test_check(pump(&bench));
		test_check_string(bench.reader.text.data, "console");
		test_check_string(second.text.data, "results");
		guest_port_remove(port);
		test_check(put(fd, "unheard"));
		test_check(put(bench.fd, "!"));
		test_check(pump(&bench));
		test_check_string(bench.reader.text.data, "console!");
		test_check_string(second.text.data, "results");
	}
	strbuf_release(&second.text);
	bench_close(&bench);
}

static void test_drains(void)
{
	cleanup_free char *block = memory_alloc(2 * MIB);
	struct error err = ERROR_INIT;
	struct bench bench;

	if (bench_open(&bench)) {
		memset(block, 'y', 2 * MIB);
		test_check(write(bench.fd, block, 2 * MIB) == 2 * MIB);
		CU_ASSERT_EQUAL(guest_port_drain(bench.port, &err), 0);
		CU_ASSERT_EQUAL(bench.reader.text.length, 2 * MIB);
		CU_ASSERT_EQUAL(guest_port_drain(bench.port, &err), 0);
		CU_ASSERT_EQUAL(bench.reader.text.length, 2 * MIB);
	}
	bench_close(&bench);
}

/* What an earlier guest left in the file is not this guest's. */
static void test_empties(void)
{
	cleanup_free char *path = path_join(test_temp_folder(), "old.log");
	struct reader reader = { .text = STRBUF_INIT };
	struct error err = ERROR_INIT;
	struct guest_port *port;
	struct bench bench;

	test_check(file_write_atomic(path, "old", 3, 0600) == 0);
	if (bench_open(&bench) &&
	    test_check(guest_link_add(bench.link, path, on_data, &reader, &port,
				      &err) == 0)) {
		CU_ASSERT_EQUAL(guest_port_drain(port, &err), 0);
		CU_ASSERT_EQUAL(reader.text.length, 0);
	}
	strbuf_release(&reader.text);
	bench_close(&bench);
}

static void test_refuses(void)
{
	struct error err = ERROR_INIT;
	struct guest_port *port = NULL;
	struct bench bench;

	if (bench_open(&bench)) {
		CU_ASSERT_EQUAL(guest_link_add(bench.link,
					       "/nonexistent/console.log",
					       on_data, NULL, &port, &err),
				-ENOENT);
		CU_ASSERT_PTR_NULL(port);
		test_check_contains(err.message, "/nonexistent/console.log");
		CU_ASSERT_EQUAL(guest_link_add(bench.link, test_temp_folder(),
					       on_data, NULL, &port, &err),
				-EISDIR);
	}
	guest_port_remove(NULL);
	guest_link_close(NULL);
	bench_close(&bench);
}

TEST_SUITE("guest_link",
	   {"follows a growing file", test_follows},
	   {"hands on large amounts in shares", test_large},
	   {"keeps ports apart", test_two_ports},
	   {"drains", test_drains},
	   {"empties the file first", test_empties},
	   {"refuses what it cannot create", test_refuses})
