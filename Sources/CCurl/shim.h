#include <curl/curl.h>

/* curl_easy_setopt(3), curl_easy_getinfo(3) and curl_multi_setopt(3) are variadic, which Swift cannot call. */

static inline CURLcode ccurl_set_long(CURL *_Nonnull easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

/* The text is copied by libcurl. */
static inline CURLcode ccurl_set_text(CURL *_Nonnull easy, CURLoption option, const char *_Nonnull value) {
  return curl_easy_setopt(easy, option, value);
}

/* Neither copied nor owned: must live as long as the handle uses it. */
static inline CURLcode ccurl_set_pointer(CURL *_Nonnull easy, CURLoption option, void *_Nullable value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_callback(
    CURL *_Nonnull easy, CURLoption option,
    size_t (*_Nonnull callback)(char *_Nullable, size_t, size_t, void *_Nullable)) {
  return curl_easy_setopt(easy, option, callback);
}

/* A certificate or key in PEM, copied by libcurl (since 7.71, the certificate authority since 7.77). */
static inline CURLcode ccurl_set_blob(CURL *_Nonnull easy, CURLoption option, const void *_Nonnull data, size_t length) {
  struct curl_blob blob = {(void *)data, length, CURL_BLOB_COPY};
  return curl_easy_setopt(easy, option, &blob);
}

/* The body of a request, copied by libcurl. */
static inline CURLcode ccurl_set_body(CURL *_Nonnull easy, const void *_Nonnull data, curl_off_t length) {
  CURLcode code = curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, length);
  return code != CURLE_OK ? code : curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, data);
}

static inline long ccurl_get_long(CURL *_Nonnull easy, CURLINFO info) {
  long value = 0;
  curl_easy_getinfo(easy, info, &value);
  return value;
}

static inline CURLMcode ccurl_multi_set_long(CURLM *_Nonnull multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

/* What curl_easy_perform(3) would have returned; -1 when the message is of another kind. */
static inline int ccurl_result(const CURLMsg *_Nonnull message) {
  return message->msg == CURLMSG_DONE ? (int)message->data.result : -1;
}
