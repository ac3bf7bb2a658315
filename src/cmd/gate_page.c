/* src/cmd/gate_page.c */
#include "cmd/gate_page.h"

#include <jansson.h>
#include <string.h>

#include "base/key.h"
#include "gate/gate_clients.h"
#include "gate/gate_file.h"
#include "gate/gate_folder.h"

/* With the key, the page finds the client among the gate's peers. It is null if the file
 * can't be used. */
static json_t *client_json(const struct gate_folder *f, const char *name)
{
	char path[GATE_FOLDER_PATH_MAX], key[KEY_BASE64_CHARS + 1];
	struct diag not_told = { 0 };
	json_t *json = json_null();
	struct conf *conf;

	if (gate_file_read(&conf, gate_folder_client(f, name, path), &not_told) == 0) {
		if (sealed_is_set(&conf->identity.private_key)) {
			key_to_base64(key, conf->identity.public_key);
			json = json_string(key);
		}
		conf_free(conf);
	}
	diag_clear(&not_told);
	return json_pack("{s:s, s:o}", "name", name, "public_key", json);
}

char *gate_page_clients(void *context, size_t *n, struct diag *diag)
{
	const struct gate_folder *f = context;
	struct gate_names names = { 0 };
	json_t *list = json_array();
	char *text = NULL;
	int err = list ? gate_folder_clients(f, &names) : -1;

	for (size_t i = 0; i < names.n && !err; i++)
		err = json_array_append_new(list, client_json(f, names.v[i]));
	if (!err)
		text = json_dumps(list, JSON_COMPACT);
	if (text)
		*n = strlen(text);
	else
		diag_error(diag, NULL, 0, "the clients can't be listed");
	gate_names_clear(&names);
	json_decref(list);
	return text;
}

char *gate_page_file(void *context, const char *client, size_t *n, struct diag *diag)
{
	return gate_clients_show(context, client, n, diag);
}
