// Package measure says how far samples are from the truth, and how much they
// can be trusted without it.
//
// Distances between two samples are functions of the type [Distance]:
// [SlicedW1], [W1], [W2], [Sinkhorn], [Energy], [MMD] and [C2ST]. None of them is
// 0 between two exact samples, so each figure is read beside its [Floor], the
// same distance between two exact samples of the same size, and with its
// [Interval]:
//
//	d, err := measure.SlicedW1{}.Distance(result.Samples, exact)
//	floor, se, err := measure.Floor(measure.SlicedW1{}.Distance, draw, 10)
//
// Weights are judged by [ESS] and [LogMeanExp], modes by [ModeWeights],
// [TotalVariation] and [Entropy], Markov chains by [RHat] and [BulkESS], and
// amortised posteriors, over many measurements, by [Ranks], [ECDFBand],
// [Coverage], [TARP] and [CRPS]. Where the score of the posterior is known, by
// [Score], [KSD] needs no exact samples. Images are compared with true ones by
// [PSNR] and [SSIM].
//
// Sequences of tokens have [KL] and [TotalVariation] where they can be gone
// through, [WorstMarginal], which is blind to how positions go together, and
// [FactorisationFloor], below which no chain gets that reveals several at once;
// texts [BLEU], [GLEU], [DistinctN] and [Repetition], on the scale of their own
// tokens.
//
// Which measure sees what is told, with a program each, in
// docs/which-diagnostic.md: ESS and everything else that looks at the samples of
// a sampler alone does not see a mode that they all missed; the distances do.
// W2 at 2000 points cannot rank good samplers of far-apart modes: its floor is
// larger than their errors.
//
// Samples are arrays [n, shape…]; each row counts as one point of ∏shape
// coordinates. The arithmetic is in float64. Log-weights need no normalisation,
// and nil means equal weights.
package measure
