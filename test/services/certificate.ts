/** Proves nothing to anybody: a key and a certificate of localhost that tests trust, and nobody else. */
export const testCertificate: { readonly cert: string; readonly key: string } = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBmjCCAUGgAwIBAgIUOXiZ9pp+Apa2Nyob+Gwjix17+e0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTE4MzE1OVoYDzIxMjYxMDI4
MTgzMTU5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQmAkj8c3xwKcQCv+Wv5fA8SfT7rnU7jdfyN1jSD1ne29PeeKr94OWJ
ytB2xxd+Go+JgJI+Pu+gqJP6ParfPF8Zo28wbTAdBgNVHQ4EFgQUCv6TI/XXz8fQ
d00+VAQ3r72+UhUwHwYDVR0jBBgwFoAUCv6TI/XXz8fQd00+VAQ3r72+UhUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDRwAwRAIgeT6Zl6rUOec4u61WpMKLL8/XB9CemWSjqSai3WBHJhgCIA4U
rgNHouUWbWBooKtNrlXSU1xO9EMme2BpZPQPfYTU
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgES2pcjLCvwr6v3od
du8rJ6NXm7piJf3k5CdpoHfJaFahRANCAAQmAkj8c3xwKcQCv+Wv5fA8SfT7rnU7
jdfyN1jSD1ne29PeeKr94OWJytB2xxd+Go+JgJI+Pu+gqJP6ParfPF8Z
-----END PRIVATE KEY-----
`,
};
