/* needs: simd_avx512 simd_avx2 simd_sse2 simd_neon simd_plain */
/* Vectors of sixteen channels, by the best instructions that the compiler may use. All give the same values. */
