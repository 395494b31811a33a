/* guest_artifacts.c - see guest_artifacts.h. */
#include <string.h>

#include "guest_artifacts.h"
#include "guest_frame.h"
#include "memory.h"

#define ARTIFACTS_MAX 64u
#define NAME_MAX_BYTES 64u

static bool name_is_valid(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return length > 0 && length <= NAME_MAX_BYTES && !name[length] &&
	       *name != '.';
}

/* Index of the artifact that a part belongs to, or count. */
static size_t artifact_find(const struct guest_artifacts *artifacts,
			    const struct guest_artifact_part *part)
{
	size_t i;

	for (i = 0; i < artifacts->count; i++)
		if (artifacts->items[i].row == part->row &&
		    !strcmp(artifacts->items[i].name, part->name))
			break;
	return i;
}

static char *artifact_begin(struct guest_artifacts *artifacts,
			    const struct guest_artifact_part *part)
{
	size_t i = artifacts->count;

	if (part->offset != 0)
		return string_format("artifact %s does not begin at byte 0",
				     part->name);
	if (i == ARTIFACTS_MAX)
		return string_format("more than %u artifacts", ARTIFACTS_MAX);
	artifacts->items = memory_realloc_array(artifacts->items, i + 1,
						sizeof(*artifacts->items));
	artifacts->totals = memory_realloc_array(artifacts->totals, i + 1,
						 sizeof(*artifacts->totals));
	artifacts->items[i] = (struct guest_artifact){
		.row = part->row,
		.name = string_copy(part->name),
		.data = string_copy(""),
	};
	artifacts->totals[i] = (size_t)part->total;
	artifacts->count++;
	return NULL;
}

static char *artifact_continue(const struct guest_artifacts *artifacts, size_t i,
			       const struct guest_artifact_part *part)
{
	const struct guest_artifact *artifact = &artifacts->items[i];

	if (part->offset == (json_int_t)artifact->length && part->offset != 0 &&
	    part->total == (json_int_t)artifacts->totals[i])
		return NULL;
	return string_format("artifact %s: expected byte %zu of %zu", part->name,
			     artifact->length, artifacts->totals[i]);
}

static void artifact_append(struct guest_artifact *artifact, const char *data,
			    size_t length)
{
	artifact->data = memory_realloc_array(artifact->data,
					      artifact->length + length + 1, 1);
	memcpy(artifact->data + artifact->length, data, length + 1);
	artifact->length += length;
}

char *guest_artifacts_add(struct guest_artifacts *artifacts,
			  const struct guest_artifact_part *part)
{
	cleanup_free char *data = NULL;
	size_t i, length = 0;
	char *mistake;

	if (!name_is_valid(part->name) || part->total < 0 ||
	    part->total > (json_int_t)GUEST_ARTIFACT_MAX)
		return string_format("artifact %.64s: a bad name, or over %llu "
				     "bytes", part->name,
				     (unsigned long long)GUEST_ARTIFACT_MAX);
	if (guest_base64_decode(part->text, part->text_length, &data, &length) < 0)
		return string_format("artifact %s: not base64", part->name);
	i = artifact_find(artifacts, part);
	mistake = i == artifacts->count ? artifact_begin(artifacts, part) :
					  artifact_continue(artifacts, i, part);
	if (mistake)
		return mistake;
	if (artifacts->items[i].length + length > artifacts->totals[i] ||
	    (length == 0 && part->total > 0))
		return string_format("artifact %s: not the %zu bytes announced",
				     part->name, artifacts->totals[i]);
	artifact_append(&artifacts->items[i], data, length);
	return NULL;
}

char *guest_artifacts_check(const struct guest_artifacts *artifacts, uint32_t row)
{
	size_t i;

	for (i = 0; i < artifacts->count; i++)
		if (artifacts->items[i].row == row &&
		    artifacts->items[i].length != artifacts->totals[i])
			return string_format("artifact %s: %zu of %zu bytes came",
					     artifacts->items[i].name,
					     artifacts->items[i].length,
					     artifacts->totals[i]);
	return NULL;
}

void guest_artifacts_release(struct guest_artifacts *artifacts)
{
	size_t i;

	for (i = 0; i < artifacts->count; i++) {
		free(artifacts->items[i].name);
		free(artifacts->items[i].data);
	}
	free(artifacts->items);
	free(artifacts->totals);
	*artifacts = (struct guest_artifacts){ .items = NULL };
}
