package notebook

import "strings"

// What a page may hold, by the namespace that a browser puts an element in.
// Everything else is left out: these neither run nor load anything, nor change
// how what follows them is read.

var htmlElements = words(`a abbr address article aside b bdi bdo big blockquote br caption center cite code col colgroup
	dd del details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hgroup hr i img input ins kbd
	label li main mark menu meter nav ol p pre progress q rp rt ruby s samp section small span strike strong sub summary
	sup table tbody td tfoot th thead time tr tt u ul var wbr`)

// htmlDropped are elements whose text is not meant to be read. Of others that
// are not allowed the text stays.
var htmlDropped = words(`datalist head iframe noembed noframes option script select style template title`)

var svgElements = words(`svg a g path circle ellipse line polyline polygon rect defs use symbol marker image switch
	clipPath mask pattern linearGradient radialGradient stop text tspan textPath title desc style view
	animate animateMotion animateTransform set mpath filter
	feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting feDisplacementMap
	feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology
	feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence`)

var mathElements = words(`math merror mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms
	mspace msqrt mstyle msub msubsup msup mtable mtd mtext mtr munder munderover none menclose semantics`)

var globalAttributes = words(`class dir id lang role style tabindex title xml:lang xml:space`) // and aria-*, data-*

var htmlAttributes = words(`abbr align alt bgcolor border cellpadding cellspacing charset checked clear color
	cols colspan compact datetime disabled face for frame headers height hidden high href hspace label low max min name
	noshade nowrap open optimum reversed rows rowspan rules scope size span src start summary type valign value vspace
	width`)

var mathAttributes = words(`accent accentunder align close columnalign columnlines columnspacing columnspan depth display
	displaystyle encoding fence form frame framespacing height largeop linethickness lspace mathbackground mathcolor
	mathsize mathvariant maxsize minsize movablelimits notation open rowalign rowlines rowspacing rowspan rspace
	scriptlevel separator separators stretchy subscriptshift superscriptshift symmetric voffset width`)

// svgPaint are attributes of SVG that may be animated too.
var svgPaint = words(`alignment-baseline amplitude azimuth baseFrequency baseline-shift bias clip clip-path clip-rule
	clipPathUnits color color-interpolation color-interpolation-filters cursor cx cy d diffuseConstant direction display
	divisor dominant-baseline dx dy edgeMode elevation exponent fill fill-opacity fill-rule filter filterUnits
	flood-color flood-opacity font-family font-size font-size-adjust font-stretch font-style font-variant font-weight
	fr fx fy gradientTransform gradientUnits height image-rendering in in2 intercept isolation k1 k2 k3 k4 kernelMatrix
	kernelUnitLength lengthAdjust letter-spacing lighting-color limitingConeAngle marker-end marker-mid marker-start
	markerHeight markerUnits markerWidth mask mask-type maskContentUnits maskUnits method mix-blend-mode numOctaves
	offset opacity operator order orient overflow paint-order pathLength patternContentUnits patternTransform
	patternUnits pointer-events points pointsAtX pointsAtY pointsAtZ preserveAlpha preserveAspectRatio primitiveUnits r
	radius refX refY result rotate rx ry scale seed shape-rendering side slope spacing specularConstant
	specularExponent spreadMethod startOffset stdDeviation stitchTiles stop-color stop-opacity stroke stroke-dasharray
	stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width surfaceScale
	tableValues targetX targetY text-anchor text-decoration text-overflow text-rendering textLength transform
	transform-box transform-origin unicode-bidi vector-effect viewBox visibility white-space width word-spacing
	writing-mode x x1 x2 xChannelSelector y y1 y2 yChannelSelector z`)

// svgOnly are those that no animation may set.
var svgOnly = words(`accumulate additive attributeName attributeType baseProfile begin by calcMode dur end from href
	keyPoints keySplines keyTimes max media min origin path repeatCount repeatDur restart systemLanguage to type
	values version xlink:href xmlns xmlns:xlink zoomAndPan`)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

// allowedElement reports whether an element may stand on a page.
func allowedElement(space, tag string) bool {
	switch space {
	case "":
		return htmlElements[tag]
	case "svg":
		return svgElements[tag]
	}
	return mathElements[tag]
}

// allowedAttribute reports whether an attribute may; of addresses safeAddress
// decides.
func allowedAttribute(space, key string) bool {
	if globalAttributes[key] || strings.HasPrefix(key, "aria-") || strings.HasPrefix(key, "data-") {
		return attributeName(key)
	}
	switch space {
	case "":
		return htmlAttributes[key]
	case "svg":
		return svgPaint[key] || svgOnly[key]
	}
	return mathAttributes[key]
}

// attributeName reports whether a browser reads the name back as it is.
func attributeName(key string) bool {
	for _, c := range key {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' && c != ':' {
			return false
		}
	}
	return true
}

// safeAddress returns the address without control characters, and whether it
// runs nothing when it is followed and fetches nothing when it is shown: links lead to the web, to mail or to a place
// by name; pictures are data; other references stay within their picture.
func safeAddress(space, tag, address string) (string, bool) {
	address = strings.Map(func(r rune) rune { // as browsers do, and a little more
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.TrimSpace(address))
	switch {
	case strings.HasPrefix(address, "#"):
		return address, true
	case tag == "img" || space == "svg" && tag == "image":
		return address, isPicture(address)
	case tag != "a" || space != "" && space != "svg":
		return address, false
	}
	head := address
	if i := strings.IndexAny(head, "/?#"); i >= 0 {
		head = head[:i]
	}
	scheme, _, found := strings.Cut(head, ":")
	switch strings.ToLower(scheme) {
	case "http", "https", "mailto":
		return address, true
	}
	return address, !found
}

// isPicture reports whether an address is a picture that stands in it. SVG that
// is shown as a picture runs and loads nothing.
func isPicture(address string) bool {
	rest, ok := cutPrefixFold(address, "data:image/")
	if !ok {
		return false
	}
	kind, _, ok := strings.Cut(rest, ",")
	kind, _, _ = strings.Cut(kind, ";")
	switch strings.ToLower(kind) {
	case "png", "jpeg", "jpg", "gif", "webp", "avif", "bmp", "svg+xml", "x-icon":
		return ok
	}
	return false
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}
