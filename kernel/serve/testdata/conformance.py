"""The official suite, jupyter-kernel-test, filled in for Go (odslab)."""

import unittest

import jupyter_kernel_test as jkt


class Go(jkt.KernelTests):
    kernel_name = "odslab"
    language_name = "go"
    file_extension = ".go"
    code_hello_world = 'fmt.Println("hello, world")'
    code_stderr = 'fmt.Fprintln(os.Stderr, "oops")'
    completion_samples = [{"text": "strings.ToUpperS", "matches": {"ToUpperSpecial"}}]
    complete_code_samples = [
        'fmt.Println("hi")',
        "x := 1",
        "func f() int {\n\treturn 1\n}",
        "type T struct{ A int }",
        "1+2",
    ]
    incomplete_code_samples = [
        "func f() int {",
        'fmt.Println("hi",',
        "s := `raw",
        "for i := range 3 {\n\tfmt.Println(i)",
        "x := 1 +",
    ]
    invalid_code_samples = ["func 7q() {}", "x := )", "import = 7q"]
    code_page_something = "%help"
    code_generate_error = 'panic("boom")'
    code_execute_result = [
        {"code": "1+2+3", "result": "6"},
        {"code": "[]int{1, 4, 9}", "result": "[]int{1, 4, 9}"},
        {"code": "1+2+4", "result": "7"},
    ]
    code_display_data = [
        {"code": 'gonbui.DisplayHTML("<b>test</b>")', "mime": "text/html"},
        {"code": 'gonbui.DisplayMarkdown("$$x^2$$")', "mime": "text/markdown"},
        {"code": "gonbui.DisplayImage(image.NewRGBA(image.Rect(0, 0, 4, 4)))", "mime": "image/png"},
    ]
    code_history_pattern = "1?2?3"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "fmt.Println"
    code_clear_output = "%clear"


class Welcome(jkt.IopubWelcomeTests):
    kernel_name = "odslab"
    support_iopub_welcome = True


if __name__ == "__main__":
    unittest.main()
