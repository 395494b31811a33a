/* case_reader.c - members of the objects in case.json, checked one by one. */
#include <errno.h>
#include <inttypes.h>

#include "case_record.h"
#include "memory.h"

void case_complain(struct case_reader *reader, const char *key, const char *expected)
{
	if (!reader->code)
		reader->code = error_set(reader->err, -EBADMSG, "%s: expected %s", key,
					 expected);
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "text";
	case JSON_INTEGER:
		return "a whole number";
	default:
		return "a truth value";
	}
}

json_t *case_read_member(struct case_reader *reader, const json_t *object, const char *key,
			 json_type type)
{
	json_t *member = json_object_get(object, key);

	if (member && json_typeof(member) == type)
		return member;
	case_complain(reader, key, type_name(type));
	return NULL;
}

char *case_read_text(struct case_reader *reader, const json_t *object, const char *key)
{
	const json_t *member = case_read_member(reader, object, key, JSON_STRING);

	return string_copy(member ? json_string_value(member) : "");
}

char *case_read_text_or_null(struct case_reader *reader, const json_t *object,
			     const char *key)
{
	if (json_is_null(json_object_get(object, key)))
		return NULL;
	return case_read_text(reader, object, key);
}

uint64_t case_read_number(struct case_reader *reader, const json_t *object, const char *key,
			  uint64_t minimum, uint64_t maximum)
{
	const json_t *member = case_read_member(reader, object, key, JSON_INTEGER);
	json_int_t value = member ? json_integer_value(member) : 0;

	if (member && value >= 0 && (uint64_t)value >= minimum && (uint64_t)value <= maximum)
		return (uint64_t)value;
	if (member) {
		cleanup_free char *range = string_format("%" PRIu64 "..%" PRIu64, minimum,
							 maximum);

		case_complain(reader, key, range);
	}
	return minimum;
}

bool case_read_flag(struct case_reader *reader, const json_t *object, const char *key)
{
	const json_t *member = json_object_get(object, key);

	if (!json_is_boolean(member))
		case_complain(reader, key, type_name(JSON_TRUE));
	return json_is_true(member);
}

void case_read_texts(struct case_reader *reader, const json_t *object, const char *key,
		     struct strvec *ret)
{
	const json_t *array = case_read_member(reader, object, key, JSON_ARRAY), *item;
	size_t i;

	json_array_foreach(array, i, item) {
		if (json_is_string(item))
			strvec_push(ret, json_string_value(item));
		else
			case_complain(reader, key, "an array of texts");
	}
}

json_t *case_read_objects(struct case_reader *reader, const json_t *object, const char *key,
			  size_t maximum, size_t *ret_count)
{
	json_t *array = case_read_member(reader, object, key, JSON_ARRAY);
	size_t count = json_array_size(array);
	bool is_good = count <= maximum;

	*ret_count = 0;
	for (size_t i = 0; is_good && i < count; i++)
		is_good = json_is_object(json_array_get(array, i));
	if (!array || !is_good) {
		case_complain(reader, key, "an array of objects");
		return NULL;
	}
	*ret_count = count;
	return array;
}
