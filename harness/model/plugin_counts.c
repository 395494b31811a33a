/* plugin_counts.c - see plugin_counts.h. A line is words between single spaces;
 * a cursor walks through them, and every kind of line takes exactly its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "memory.h"
#include "plugin_counts.h"

struct reader {
	const char *next, *end;        /* of the text */
	const char *word, *line_end;   /* in the line */
	uint64_t lines;                /* begun, the header included */
	struct plugin_counts *counts;
	uint64_t *visits;              /* of each region number; owned */
	size_t regions_capacity, functions_capacity;
	uint64_t functions_expected, instructions_listed;
	bool has_total, has_end;
	struct error *err;
};

static int refuse(const struct reader *reader, const char *what)
{
	return error_set(reader->err, -EBADMSG, "count file line %" PRIu64 ": %s",
			 reader->lines, what);
}

/* --- words --------------------------------------------------------------------- */

/* The next word, up to a blank or the line's end; length 0 if there is none. */
static size_t word_length(const struct reader *reader)
{
	const char *c = reader->word;

	while (c < reader->line_end && *c != ' ')
		c++;
	return (size_t)(c - reader->word);
}

static void word_skip(struct reader *reader, size_t length)
{
	reader->word += length;
	/* A blank at the end leaves a word to be missed. */
	if (reader->word < reader->line_end && reader->word + 1 < reader->line_end)
		reader->word++;
}

static bool take_text(struct reader *reader, const char *text)
{
	size_t length = word_length(reader);

	if (length != strlen(text) || memcmp(reader->word, text, length) != 0)
		return false;
	word_skip(reader, length);
	return true;
}

static bool take_number(struct reader *reader, uint64_t limit, uint64_t *ret)
{
	size_t length = word_length(reader), i;
	uint64_t value = 0;

	if (length == 0 || length > 16 || (length > 1 && *reader->word == '0'))
		return false;
	for (i = 0; i < length; i++) {
		if (reader->word[i] < '0' || reader->word[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(reader->word[i] - '0');
	}
	if (value > limit)
		return false;
	word_skip(reader, length);
	*ret = value;
	return true;
}

static bool line_is_over(const struct reader *reader)
{
	return reader->word == reader->line_end;
}

/* Owned, or NULL where a number is missing or one is left. */
static struct plugin_vcpu_count *take_vcpus(struct reader *reader)
{
	uint32_t count = reader->counts->vcpus_count, i;
	struct plugin_vcpu_count *vcpus = memory_alloc_array(count, sizeof(*vcpus));

	for (i = 0; i < count; i++)
		if (!take_number(reader, PLUGIN_COUNT_MAX, &vcpus[i].kernel) ||
		    !take_number(reader, PLUGIN_COUNT_MAX, &vcpus[i].user))
			break;
	if (i == count && line_is_over(reader))
		return vcpus;
	free(vcpus);
	return NULL;
}

/* --- lines ---------------------------------------------------------------------- */

static int header_read(struct reader *reader)
{
	struct plugin_counts *counts = reader->counts;
	uint64_t api, vcpus;
	bool by_block;

	if (!take_text(reader, "kerngate-counts") || !take_text(reader, "1") ||
	    !take_text(reader, "api") || !take_number(reader, 99, &api) ||
	    !take_text(reader, "vcpus") ||
	    !take_number(reader, PLUGIN_VCPUS_MAX, &vcpus) || vcpus == 0 ||
	    !take_text(reader, "by"))
		return refuse(reader, "expected \"kerngate-counts 1 api N vcpus N by "
				      "block|instruction\"");
	by_block = take_text(reader, "block");
	if ((!by_block && !take_text(reader, "instruction")) || !line_is_over(reader))
		return refuse(reader, "expected \"by block\" or \"by instruction\"");
	counts->api = (uint32_t)api;
	counts->vcpus_count = (uint32_t)vcpus;
	counts->by_instruction = !by_block;
	return 0;
}

static bool take_region_number(struct reader *reader, uint64_t *ret)
{
	return take_number(reader, PLUGIN_REGIONS_MAX - 1, ret);
}

static int region_read(struct reader *reader)
{
	struct plugin_counts *counts = reader->counts;
	struct plugin_vcpu_count *vcpus;
	uint64_t number, visit;

	if (!take_region_number(reader, &number) ||
	    !take_number(reader, PLUGIN_COUNT_MAX, &visit))
		return refuse(reader, "expected \"region NUMBER VISIT ...\"");
	if (visit != reader->visits[number])
		return refuse(reader, "a visit of the region is missing or twice there");
	vcpus = take_vcpus(reader);
	if (!vcpus)
		return refuse(reader, "expected two counts for every vCPU");
	reader->visits[number]++;
	if (counts->regions_count == reader->regions_capacity) {
		reader->regions_capacity = reader->regions_capacity * 2 + 64;
		counts->regions = memory_realloc_array(counts->regions,
						       reader->regions_capacity,
						       sizeof(*counts->regions));
	}
	counts->regions[counts->regions_count++] = (struct plugin_region){
		.number = (uint32_t)number, .visit = visit, .vcpus = vcpus,
	};
	return 0;
}

/* Lines that only name a region. */
static int oddity_read(struct reader *reader, uint64_t *count)
{
	uint64_t number;

	if (!take_region_number(reader, &number) || !line_is_over(reader))
		return refuse(reader, "expected the number of a region");
	(*count)++;
	return 0;
}

static int total_read(struct reader *reader)
{
	reader->counts->total = take_vcpus(reader);
	if (!reader->counts->total)
		return refuse(reader, "expected two counts for every vCPU");
	reader->has_total = true;
	return 0;
}

/* What narrows a profile: "[inside REGION] [row N]". */
static bool take_scope(struct reader *reader)
{
	struct plugin_counts *counts = reader->counts;
	uint64_t number;

	if (take_text(reader, "inside")) {
		if (!take_region_number(reader, &number) ||
		    number == counts->profile_region)
			return false;
		counts->profile_has_inside = true;
		counts->profile_inside = (uint32_t)number;
	}
	if (take_text(reader, "row")) {
		if (!take_number(reader, PLUGIN_ROWS_MAX - 1, &number))
			return false;
		counts->profile_has_row = true;
		counts->profile_row = (uint32_t)number;
	}
	return line_is_over(reader);
}

static int profile_read(struct reader *reader)
{
	struct plugin_counts *counts = reader->counts;
	uint64_t number;

	if (!take_region_number(reader, &number) ||
	    !take_number(reader, PLUGIN_COUNT_MAX, &counts->profile_visits) ||
	    !take_number(reader, PLUGIN_COUNT_MAX, &counts->profile_instructions) ||
	    !take_number(reader, PLUGIN_COUNT_MAX, &reader->functions_expected))
		return refuse(reader, "expected \"profile REGION VISITS INSTRUCTIONS "
				      "FUNCTIONS\"");
	counts->profile_region = (uint32_t)number;
	if (!take_scope(reader))
		return refuse(reader, "expected at most \"inside REGION row N\" (of "
				      "another region) behind the profile's numbers");
	counts->has_profile = true;
	return 0;
}

static bool name_is_valid(const char *name, size_t length)
{
	size_t i;

	if (length == 0 || length > PLUGIN_FUNCTION_MAX)
		return false;
	for (i = 0; i < length; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return true;
}

static int function_read(struct reader *reader)
{
	struct plugin_counts *counts = reader->counts;
	uint64_t instructions;
	size_t length;

	if (!take_number(reader, PLUGIN_COUNT_MAX, &instructions))
		return refuse(reader, "expected \"function INSTRUCTIONS NAME\"");
	length = word_length(reader);
	if (!name_is_valid(reader->word, length) ||
	    reader->word + length != reader->line_end)
		return refuse(reader, "expected one printable name at the end");
	if (instructions > counts->profile_instructions - reader->instructions_listed)
		return refuse(reader, "the functions have more instructions than the "
				      "profile");
	if (counts->functions_count == reader->functions_expected)
		return refuse(reader, "more functions than the profile line says");
	reader->instructions_listed += instructions;
	if (counts->functions_count == reader->functions_capacity) {
		reader->functions_capacity = reader->functions_capacity * 2 + 64;
		counts->functions = memory_realloc_array(
			counts->functions, reader->functions_capacity,
			sizeof(*counts->functions));
	}
	counts->functions[counts->functions_count++] = (struct plugin_function){
		.name = string_copy_n(reader->word, length),
		.instructions = instructions,
	};
	return 0;
}

static int end_read(struct reader *reader)
{
	const struct plugin_counts *counts = reader->counts;
	uint64_t lines;

	if (!take_number(reader, PLUGIN_COUNT_MAX, &lines) || !line_is_over(reader))
		return refuse(reader, "expected \"end LINES\"");
	if (lines != reader->lines - 1)
		return refuse(reader, "the end line counts another number of lines");
	if (counts->has_profile &&
	    (counts->functions_count != reader->functions_expected ||
	     reader->instructions_listed != counts->profile_instructions))
		return refuse(reader, "the functions do not add up to the profile");
	reader->has_end = true;
	return 0;
}

static int word_only(struct reader *reader, bool *flag)
{
	if (!line_is_over(reader) || *flag)
		return refuse(reader, "one word, once");
	*flag = true;
	return 0;
}

/* Regions first, then the total, then the profile, then the end. */
static int line_read(struct reader *reader)
{
	struct plugin_counts *counts = reader->counts;
	bool profile_may_begin = reader->has_total && !counts->has_profile &&
				 !counts->profile_is_short;

	if (reader->has_end)
		return refuse(reader, "nothing may follow the end line");
	if (!reader->has_total) {
		if (take_text(reader, "region"))
			return region_read(reader);
		if (take_text(reader, "lost"))
			return oddity_read(reader, &counts->lost_count);
		if (take_text(reader, "stray"))
			return oddity_read(reader, &counts->stray_count);
		if (take_text(reader, "open"))
			return oddity_read(reader, &counts->open_count);
		if (take_text(reader, "cut"))
			return oddity_read(reader, &counts->cut_count);
		if (take_text(reader, "full"))
			return word_only(reader, &counts->is_full);
		if (take_text(reader, "total"))
			return total_read(reader);
		return refuse(reader, "expected region, lost, stray, open, cut, full "
				      "or total");
	}
	if (profile_may_begin && take_text(reader, "short"))
		return word_only(reader, &counts->profile_is_short);
	if (profile_may_begin && take_text(reader, "profile"))
		return profile_read(reader);
	if (counts->has_profile && take_text(reader, "function"))
		return function_read(reader);
	if (take_text(reader, "end"))
		return end_read(reader);
	return refuse(reader, "expected profile, short, function or end, in this order");
}

static int lines_read(struct reader *reader)
{
	int result = 0;

	while (reader->next < reader->end && result == 0) {
		size_t left = (size_t)(reader->end - reader->next);
		const char *newline = memchr(reader->next, '\n', left);

		reader->lines++;
		/* QEMU was killed in the middle of a line. */
		if (!newline)
			break;
		reader->word = reader->next;
		reader->line_end = newline;
		reader->next = newline + 1;
		result = reader->lines == 1 ? header_read(reader) : line_read(reader);
	}
	if (result == 0 && (!reader->has_end || reader->next != reader->end))
		return error_set(reader->err,
				 reader->has_end ? -EBADMSG : -ENODATA,
				 "count file: %s after %" PRIu64 " lines",
				 reader->has_end ? "half a line behind the end line" :
						   "no end line", reader->lines);
	return result;
}

int plugin_counts_parse(const char *text, size_t length,
			struct plugin_counts *ret_counts, struct error *err)
{
	struct plugin_counts counts = PLUGIN_COUNTS_INIT;
	struct reader reader = {
		.next = text, .end = text + length, .counts = &counts, .err = err,
		.visits = memory_alloc_array(PLUGIN_REGIONS_MAX, sizeof(uint64_t)),
	};
	int result = lines_read(&reader);

	free(reader.visits);
	if (result < 0)
		plugin_counts_release(&counts);
	else
		*ret_counts = counts;
	return result;
}

void plugin_counts_release(struct plugin_counts *counts)
{
	size_t i;

	for (i = 0; i < counts->regions_count; i++)
		free(counts->regions[i].vcpus);
	for (i = 0; i < counts->functions_count; i++)
		free(counts->functions[i].name);
	free(counts->regions);
	free(counts->functions);
	free(counts->total);
	*counts = PLUGIN_COUNTS_INIT;
}

bool plugin_counts_are_whole(const struct plugin_counts *counts)
{
	return !counts->lost_count && !counts->stray_count && !counts->open_count &&
	       !counts->is_full && !counts->profile_is_short;
}

/* --- figures ----------------------------------------------------------------------- */

uint64_t plugin_region_work(const struct plugin_counts *counts,
			    const struct plugin_region *region)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < counts->vcpus_count; i++)
		sum += region->vcpus[i].kernel + region->vcpus[i].user;
	return sum;
}

uint64_t plugin_region_span(const struct plugin_counts *counts,
			    const struct plugin_region *region)
{
	uint64_t most = 0;
	uint32_t i;

	for (i = 0; i < counts->vcpus_count; i++) {
		uint64_t sum = region->vcpus[i].kernel + region->vcpus[i].user;

		if (sum > most)
			most = sum;
	}
	return most;
}

double plugin_region_parallelism(const struct plugin_counts *counts,
				 const struct plugin_region *region)
{
	uint64_t span = plugin_region_span(counts, region);

	if (span == 0)
		return 1;
	return (double)plugin_region_work(counts, region) / (double)span;
}
