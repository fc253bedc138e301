/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/um_log.h"
#include "http/um_httpd_priv.h"

um_http_page_t *
um_http_page_new(unsigned status, const char *content_type, um_sbuf_t *body)
{
    um_http_page_t *p = body->failed ? NULL : calloc(1, sizeof(*p));

    if (p == NULL) {
        goto fail;
    }

    p->status = status;
    p->holds = 1;
    p->body = (um_str_t){ body->data, body->len };
    p->response = MHD_create_response_from_buffer(
        body->len, body->data, MHD_RESPMEM_MUST_FREE);
    if (p->response == NULL) {
        goto fail;
    }

    memset(body, 0, sizeof(*body)); /* it is the response's now */
    if (content_type != NULL
        && um_http_page_set(p, "Content-Type", content_type) != UM_OK)
    {
        um_http_page_free(p);
        return NULL;
    }

    return p;

fail:
    um_log_error(ENOMEM, "http: answer");
    um_sbuf_deinit(body);
    free(p);
    return NULL;
}

um_rc_t
um_http_page_set(um_http_page_t *p, const char *name, const char *value)
{
    if (MHD_add_response_header(p->response, name, value) != MHD_YES) {
        um_log_error(ENOMEM, "http: answer");
        return UM_ERR;
    }

    return UM_OK;
}

um_str_t
um_http_page_body(const um_http_page_t *p)
{
    return p->body;
}

void
um_http_page_free(um_http_page_t *p)
{
    if (p != NULL && --p->holds == 0) {
        MHD_destroy_response(p->response); /* our hold on it */
        free(p);
    }
}

enum MHD_Result
http_page_queue(um_http_page_t *p, struct MHD_Connection *mhd, bool closing)
{
    if (closing && !p->closes) { /* and so do all that follow */
        p->closes = true;
        (void) MHD_add_response_header(p->response, "Connection", "close");
    }

    return MHD_queue_response(mhd, p->status, p->response);
}
