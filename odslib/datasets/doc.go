// Package datasets holds the real data that priors are trained on, and toy
// distributions in the plane.
//
// [Images] are labelled pictures. [Digits] and [Fashion] are kept in the
// package; [FashionFull] and [MNISTFull] read what [Fetch] has put into the
// cache.
//
//	train, test, err := datasets.Digits().Split(0.2, 1)
//	sevens := train.Class(7)
//	fmt.Println(sevens, test.X.Shape)
//	moons := datasets.TwoMoons(1000, 1)
//
// [KJV] and [Austen] are texts, of which the package keeps the beginnings and
// [FetchTexts] gets the whole.
//
// Everything is deterministic: the order of the pictures is that of their
// source, and what is random takes a seed. README.md names sources and
// licences.
package datasets
