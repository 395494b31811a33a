/* fuzz_config.c - config text of any kind: no crash, no hang, no leak, and
 * every refusal has a place and a message. The first byte chooses the reader,
 * so that one corpus serves all.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "campaign_merge.h"
#include "config_node.h"
#include "kernel_spec.h"
#include "workload_info.h"

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void fuzz_yaml(const char *text, size_t length)
{
	static const char *const choices[] = { "a", "b", NULL };
	cleanup_config_document struct config_document *document = NULL;
	const struct config_node *list = NULL, *map = NULL, *scalar = NULL, *any = NULL;
	cleanup_strvec struct strvec texts = STRVEC_INIT;
	cleanup_free char *word = NULL;
	struct error err = ERROR_INIT;
	uint32_t number = 0;
	uint64_t large = 0;
	double real = 0;
	bool is_set = false;
	int choice = 0;
	const struct config_field fields[] = {
		{ CONFIG_TEXT("text", &word, NULL), .required = true },
		{ CONFIG_TEXTS("texts", &texts, config_expect_word),
		  .unique = true },
		{ CONFIG_U32("u32", &number, 1, 64) },
		{ CONFIG_U64("u64", &large, 0, UINT64_MAX) },
		{ CONFIG_REAL("real", &real, -1e9, 1e9) },
		{ CONFIG_BOOL("bool", &is_set) },
		{ CONFIG_CHOICE("choice", &choice, choices) },
		{ CONFIG_MAPPING("map", &map) },
		{ CONFIG_LIST_OF("list", &list, 1, 4) },
		{ CONFIG_ANY_SCALAR("scalar", &scalar) },
		{ CONFIG_ANY("any", &any) },
	};

	if (config_document_parse("f", text, length, &document, &err) < 0) {
		require(err.code < 0 && !strncmp(err.message, "f:", 2));
		return;
	}
	require(config_document_root(document)->weight <= CONFIG_NODES_MAX);
	require(config_document_root(document)->height <= CONFIG_DEPTH_MAX);
	if (config_read(config_document_root(document), "fuzz", fields,
			ARRAY_COUNT(fields), &err) < 0) {
		require(err.code == -EINVAL && !strncmp(err.message, "f:", 2));
		return;
	}
	require(word && *word && number <= 64 && real >= -1e9 && real <= 1e9);
}

/* Two mappings, with a line "====" between, one laid on the other. */
static void fuzz_merge(char *text)
{
	static const char mark[] = "\n====\n";
	cleanup_config_document struct config_document *base = NULL, *own = NULL;
	cleanup_campaign_merge struct campaign_merge merge = { .nodes = NULL };
	cleanup_config_document struct config_document *again = NULL;
	const struct config_node *merged = NULL;
	cleanup_free char *written = NULL;
	char *second = strstr(text, mark);
	struct error err = ERROR_INIT;

	if (!second)
		return;
	*second = '\0';
	second += strlen(mark);
	if (config_document_parse("b", text, strlen(text), &base, &err) < 0 ||
	    config_document_parse("o", second, strlen(second), &own, &err) < 0 ||
	    config_document_root(base)->kind != CONFIG_MAP ||
	    config_document_root(own)->kind != CONFIG_MAP)
		return;
	if (campaign_merge_add(&merge, config_document_root(base), config_document_root(own),
			       &merged, &err) < 0) {
		require(err.code == -EINVAL && strncmp(err.message, "o:", 2) == 0);
		return;
	}
	require(merged->kind == CONFIG_MAP);
	written = campaign_merge_text(merged);
	/* keys of any kind are written as they are; those of a campaign parse again */
	(void)!config_document_parse("w", written, strlen(written), &again, &err);
}

static void fuzz_description(const char *text, size_t length)
{
	struct workload_info info;
	struct error err = ERROR_INIT;

	if (workload_info_parse(text, length, &info, &err) < 0) {
		require(err.code < 0 && err.message[0]);
		return;
	}
	require(info.name && *info.name && info.metrics_count);
	workload_info_release(&info);
}

static void fuzz_kernel_texts(const char *text)
{
	struct config_requests requests = CONFIG_REQUESTS_INIT;
	cleanup_strvec struct strvec patches = STRVEC_INIT;
	struct error err = ERROR_INIT;

	if (patch_series_parse("series", text, &patches, &err) == 0)
		for (size_t i = 0; i < patches.count; i++)
			require(patches.items[i][0] != '/');
	if (config_requests_add(&requests, "f.config", text, &err) == 0)
		(void)!config_requests_check(&requests, text, &err);
	config_requests_release(&requests);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	cleanup_free char *text = NULL;

	if (!size)
		return 0;
	text = malloc(size);
	require(text != NULL);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] == 'j')
		fuzz_description(text, size - 1);
	else if (data[0] == 'i')
		fuzz_merge(text);
	else if (data[0] == 'k')
		fuzz_kernel_texts(text);
	else
		fuzz_yaml(text, size - 1);
	return 0;
}
