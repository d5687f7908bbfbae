/* Put channels in their places among the others of a layer. */
typedef struct {
  const int32_t *channels; /* [num_apart] */
  int32_t num_apart, num_channels, num_pixels;
} insert_channels_s8_t;

static void insert_channels_s8(const insert_channels_s8_t *p, const int8_t *others, const int8_t *apart,
                               int8_t *output) {
  if (output != others) {
    memcpy(output, others, (size_t)(p->num_pixels * p->num_channels));
  }
  for (int32_t pixel = 0; pixel < p->num_pixels; ++pixel) {
    for (int32_t c = 0; c < p->num_apart; ++c) {
      output[p->channels[c]] = *apart++;
    }
    output += p->num_channels;
  }
}
