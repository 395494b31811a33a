/* test_guest_frame.c - the guest's own encoder (workloads/runtime/line.c)
 * against the harness' decoder, and lines that no encoder would write.
 */
#include <errno.h>
#include <string.h>

#include "guest_frame.h"
#include "guest_lines.h"
#include "hash.h"
#include "memory.h"
#include "test.h"

#include "../../../workloads/runtime/line.c"

static void test_crc(void)
{
	static const char *const texts[] = { "", "a", "123456789",
					     "KG1 0 hello {}" };
	unsigned char bytes[256];

	/* The check value of CRC-32/ISO-HDLC. */
	CU_ASSERT_EQUAL(line_crc32("123456789", 9), 0xcbf43926u);
	for (size_t i = 0; i < ARRAY_COUNT(texts); i++)
		CU_ASSERT_EQUAL(line_crc32(texts[i], strlen(texts[i])),
				crc32_of(texts[i], strlen(texts[i])));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)i;
	CU_ASSERT_EQUAL(line_crc32(bytes, sizeof(bytes)),
			crc32_of(bytes, sizeof(bytes)));
}

static void test_round_trip(void)
{
	struct guest_frame frame = { .json = NULL };
	const char *why = NULL;
	struct line line;
	size_t length;

	CU_ASSERT_EQUAL(LINE_BYTES_MAX, GUEST_LINE_MAX);
	line_begin(&line, 41, "row");
	line_addf(&line, "{\"row\":%d,\"name\":", 3);
	line_add_string(&line, "a \"b\" \\ \n\x7f\xc3\xa4");
	line_addf(&line, "}");
	length = line_end(&line);
	if (!test_check(length > 0 && line.text[length - 1] == '\n'))
		return;
	CU_ASSERT_EQUAL(guest_frame_parse(line.text, length - 1, &frame, &why), 0);
	CU_ASSERT_EQUAL(frame.sequence, 41);
	CU_ASSERT_EQUAL(frame.kind, GUEST_LINE_ROW);
	cleanup_free char *json = string_copy_n(frame.json, frame.json_length);
	test_check_string(json,
			  "{\"row\":3,\"name\":\"a \\\"b\\\" \\\\   ??\"}");
}

static void test_fills_to_the_last_byte(void)
{
	struct guest_frame frame;
	const char *why = NULL;
	struct line line;

	line_begin(&line, 0, "end");
	while (line_room(&line) > 0)
		line_addf(&line, "x");
	CU_ASSERT_EQUAL(line_end(&line), (size_t)LINE_BYTES_MAX);
	CU_ASSERT_EQUAL(guest_frame_parse(line.text, LINE_BYTES_MAX - 1, &frame,
					  &why), 0);
	line_begin(&line, 0, "end");
	while (line_room(&line) > 0)
		line_addf(&line, "x");
	line_addf(&line, "y");
	CU_ASSERT_EQUAL(line_end(&line), 0);
	line_begin(&line, 0, "end");
	while (line_room(&line) > 1)
		line_addf(&line, "x");
	line_add_string(&line, "");
	CU_ASSERT_EQUAL(line_end(&line), 0);
}

/* An artifact's part of the largest size must fit behind the longest names. */
static void test_artifact_fits(void)
{
	static const char name[] = "0123456789012345678901234567890123456789"
				   "012345678901234567890123";
	char bytes[LINE_ARTIFACT_BYTES] = { 0 };
	struct line line;

	line_begin(&line, UINT64_MAX / 100, "artifact");
	line_addf(&line, "{\"row\":%u,\"name\":\"%s\",\"offset\":%u,"
		  "\"total\":%u,\"data\":\"", UINT32_MAX, name, UINT32_MAX,
		  UINT32_MAX);
	line_add_base64(&line, bytes, sizeof(bytes));
	line_addf(&line, "\"}");
	CU_ASSERT_TRUE(line_end(&line) > 0);
}

static void test_base64_round_trip(void)
{
	unsigned char bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(255 - i);
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		cleanup_free char *data = NULL;
		size_t got = 0;
		struct line line = { .length = 0 };

		line_add_base64(&line, bytes, length);
		CU_ASSERT_EQUAL(guest_base64_decode(line.text, line.length, &data,
						    &got), 0);
		CU_ASSERT_EQUAL(got, length);
		CU_ASSERT_TRUE(data && !memcmp(data, bytes, length));
	}
}

static void test_base64_refused(void)
{
	static const char *const texts[] = {
		"A",     "AA",   "AAA",      "AAAAA", "====", "A===", "AA=A",
		"=AAA",  "A A=", "AAAA====", "AB==",  "AAB=", "AA\n=", "AA-_",
	};

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		char *data = NULL;
		size_t length = 99;

		CU_ASSERT_EQUAL(guest_base64_decode(texts[i], strlen(texts[i]),
						    &data, &length), -EINVAL);
		CU_ASSERT_PTR_NULL(data);
		CU_ASSERT_EQUAL(length, 99);
	}
}

/* Text with a correct checksum behind it. */
static char *sealed(const char *text)
{
	return string_format("%s %08x", text, crc32_of(text, strlen(text)));
}

static void test_refused(void)
{
	static const struct {
		const char *text;
		const char *why;
		bool seal;
	} cases[] = {
		{ "", "does not begin with KG1", false },
		{ "KG", "does not begin with KG1", false },
		{ "kg1 0 end {}", "does not begin with KG1", true },
		{ "KG2 0 end {}", "does not begin with KG1", true },
		{ " KG1 0 end {}", "does not begin with KG1", true },
		{ "KG1 ", "is cut short", false },
		{ "KG1 0 end {", "is cut short", false },
		{ "KG1 0 end {} 0123456", "does not end in a checksum", false },
		{ "KG1 0 end {} 0123456g", "does not end in a checksum", false },
		{ "KG1 0 end {} DEADBEEF", "does not end in a checksum", false },
		{ "KG1 0 end {} 00000000", "has a wrong checksum", false },
		{ "KG1 end {}", "has no sequence number", true },
		{ "KG1 -1 end {}", "has no sequence number", true },
		{ "KG1 01 end {}", "has no sequence number", true },
		{ "KG1 1234567890123456789 end {}", "has no sequence number", true },
		{ "KG1 0", "has no sequence number", true },
		{ "KG1 0 end", "is of no known kind", true },
		{ "KG1 0 END {}", "is of no known kind", true },
		{ "KG1 0 ends {}", "is of no known kind", true },
		{ "KG1 0  {}", "is of no known kind", true },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		cleanup_free char *line = cases[i].seal ?
			sealed(cases[i].text) : string_copy(cases[i].text);
		struct guest_frame frame = { .json_length = 7 };
		const char *why = NULL;

		CU_ASSERT_EQUAL(guest_frame_parse(line, strlen(line), &frame, &why),
				-EBADMSG);
		test_check_string(why, cases[i].why);
		CU_ASSERT_EQUAL(frame.json_length, 7);
	}
}

/* Every single bit that the wire could flip is noticed. */
static void test_bit_flips(void)
{
	cleanup_free char *line = sealed("KG1 12 outcome {\"row\":0}");
	size_t length = strlen(line);
	struct guest_frame frame;
	const char *why = NULL;

	CU_ASSERT_EQUAL(guest_frame_parse(line, length, &frame, &why), 0);
	for (size_t bit = 0; bit < 8 * length; bit++) {
		line[bit / 8] = (char)(line[bit / 8] ^ 1 << bit % 8);
		CU_ASSERT_EQUAL(guest_frame_parse(line, length, &frame, &why),
				-EBADMSG);
		line[bit / 8] = (char)(line[bit / 8] ^ 1 << bit % 8);
	}
}

TEST_SUITE("guest_frame", { "checksums agree", test_crc },
	   { "what the guest writes is read", test_round_trip },
	   { "a line fills to its last byte", test_fills_to_the_last_byte },
	   { "a part of an artifact fits", test_artifact_fits },
	   { "base64 there and back", test_base64_round_trip },
	   { "bad base64 is refused", test_base64_refused },
	   { "bad lines are refused with the reason", test_refused },
	   { "flipped bits are noticed", test_bit_flips })
