// Package language holds language models as priors and rewards over tokens, for infilling.
//
// [Tokenizer] turns text into numbers: characters, or byte pairs merged from a text. [Training] trains an [LM]: a masked diffusion
// model, or with Causal an autoregressive one. [Gap] is the prior of what stands between a left and a right context, an
// odslib.Process that reveals it token by token and sees the left context alone; [Right] is the reward, log p(right | left, gap)
// of an autoregressive model. Together they are the posterior that samplers take:
//
//	tok, err := language.Characters(text)
//	x, err := tok.Windows(text, 64)
//	lm, err := language.Training{Tokenizer: tok}.Train(ctx, x, budget, 1)
//	ar, err := language.Training{Tokenizer: tok, Causal: true}.Train(ctx, x, budget, 1)
//	post, err := language.Infilling(lm, ar, "she was ", " to see him", 12)
//
// The masked model has α(t) = 1−t and no time input; its loss, (1/t)·Σ_masked −log p, bounds −log p(x). In a policy of trajectory
// balance the right context is visible: it is a copy of the prior's network that has learned what is right of the gap to mean.
//
// References: Austin et al. 2021 (D3PM), Sahoo et al. 2024 (MDLM), Ou et al. 2024 (RADD: no time input), Venkatraman et al. 2024
// (2405.20971, infilling by relative trajectory balance), Sennrich et al. 2016 (byte-pair encoding).
package language
