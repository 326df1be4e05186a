; The language itself: expressions and their values, as far as R7RS fixes them and 62 bits are enough.
(import (scheme base) (scheme write) (scheme char) (scheme cxr) (scheme inexact) (scheme lazy) (scheme read)
        (scheme eval) (scheme case-lambda) (scheme process-context) (srfi 69))

(define small? (member "small" (command-line)))

(define-syntax check
  (syntax-rules ()
    ((_ expression)
     (begin (write 'expression) (write-string " => ") (write expression) (newline)))))

(define-syntax check-all
  (syntax-rules ()
    ((_ expression ...) (begin (check expression) ...))))

(define (caught thunk)
  (call/cc
   (lambda (k)
     (with-exception-handler
      (lambda (e) (k (if (error-object? e) (list 'error (error-object-message e) (error-object-irritants e)) (list 'raised e))))
      thunk))))
(define (fails? thunk)
  (call/cc (lambda (k) (with-exception-handler (lambda (e) (k #t)) (lambda () (thunk) #f)))))

(check-all
 (let loop ((i 0)) (if (< i 1000) (loop (+ i 1)) i))
 (let* ((x 1) (y (+ x 1))) (list x y))
 (letrec ((even? (lambda (n) (if (= n 0) #t (odd? (- n 1))))) (odd? (lambda (n) (if (= n 0) #f (even? (- n 1)))))) (even? 101))
 (call-with-values (lambda () (values 1 2 3)) list)
 (caught (lambda () (error "message" 1 "two" 'three)))
 (guard (e ((symbol? e) (list 'symbol e)) ((string? e) (list 'string e))) (raise 'oops))
 (map + '(1 2 3) '(10 20 30 40)))

(define-syntax my-or
  (syntax-rules () ((_) #f) ((_ e) e) ((_ e r ...) (let ((t e)) (if t t (my-or r ...))))))
(define-syntax while
  (syntax-rules () ((_ test body ...) (let again () (when test body ... (again))))))
(define-syntax my-let*
  (syntax-rules () ((_ () body ...) (let () body ...))
    ((_ ((n v) rest ...) body ...) (let ((n v)) (my-let* (rest ...) body ...)))))
(define-syntax flatten-pairs
  (syntax-rules () ((_ ((a b ...) ...) tail ...) '(a ... (b ... end) ... tail ...))))
(define-syntax my-if
  (syntax-rules (then else) ((_ c then t else e) (if c t e))))
(define-syntax last-of
  (syntax-rules () ((_ x ... y) 'y)))
(define-syntax define-getter
  (syntax-rules () ((_ name value) (define (name) value))))
(define-getter get-five 5)
(define-record-type <point> (make-point x y) point? (x point-x set-point-x!) (y point-y))
(define-values (first-value second-value . other-values) (values 1 2 3 4))
(define parameter (make-parameter 10 (lambda (x) (* x 2))))
(define (variadic a . rest) (list a rest))
(define cases (case-lambda ((a) (list 'one a)) ((a b) (list 'two a b)) ((a . rest) (list 'more a rest))))
; (Implementations write bytevectors differently.)
(define (bytes b)
  (let loop ((i (- (bytevector-length b) 1)) (l '()))
    (if (< i 0) l (loop (- i 1) (cons (bytevector-u8-ref b i) l)))))
(define (generate) (define a 1) (define (b) (+ a 1)) (define c (+ (b) 1)) (list a (b) c))

(if small? (exit 0))

; binding and control
(check (let ((t 5)) (my-or #f t)))
(check (let ((if list)) (my-or #f 7)))
(check (let ((i 0) (s '())) (while (< i 3) (set! s (cons i s)) (set! i (+ i 1))) s))
(check (my-let* ((a 1) (b (+ a 1))) (* a b)))
(check (flatten-pairs ((1 2 3) (4) (5 6)) 7 8))
(check (my-if #t then 'yes else 'no))
(check (last-of 1 2 3))
(check (get-five))
(check (let-syntax ((foo (syntax-rules () ((_ x) (list x x))))) (foo 3)))
(check (letrec-syntax ((ev (syntax-rules () ((_) 'even) ((_ x . r) (od . r)))) (od (syntax-rules () ((_) 'odd) ((_ x . r) (ev . r))))) (ev 1 2 3)))
(check (let () (define-syntax ten (syntax-rules () ((_) 10))) (define x (ten)) (+ x 1)))
(check (generate))
(check (let loop ((i 0) (acc '())) (cond ((= i 4) acc) (else (loop (+ i 1) (cons (* i i) acc))))))
(check (do ((v (make-vector 5)) (i 0 (+ i 1))) ((= i 5) v) (vector-set! v i i)))
(check (case (* 2 3) ((2 3 5 7) 'prime) ((1 4 6 8 9) 'composite)))
(check (case 'x ((a) 1) (else => (lambda (v) (list v 'else)))))
(check (case #\b ((#\a #\b) 'letter) (else 'none)))
(check (cond ((assv 'b '((a 1) (b 2))) => cadr) (else #f)))
(check (cond ((+ 1 1)) (else 3)))
(check (and))
(check (and 1 2 #f 3))
(check (and 1 2))
(check (or))
(check (or #f #f))
(check (or #f 3 4))
(check (when #t 1 2 3))
(check (unless #f 1 2 3))
(check (let-values (((q r) (floor/ -7 2)) ((x) (values 5))) (list q r x)))
(check (let*-values (((a b) (values 1 2)) ((c) (values (+ a b)))) c))
(check (list first-value second-value other-values))
(check (let () (define-values (p q) (values 3 4)) (* p q)))
(check (variadic 1))
(check (variadic 1 2 3))
(check (cases 1))
(check (cases 1 2))
(check (cases 1 2 3))
(check (list (parameter) (parameterize ((parameter 3)) (parameter)) (parameter)))
(check (apply + 1 2 '(3 4)))
(check (let ((x 1)) (set! x (+ x 1)) x))
(check (let ((counter (let ((n 0)) (lambda () (set! n (+ n 1)) n)))) (counter) (counter) (counter)))
(check `(1 ,(+ 1 1) ,@(map square '(3 4)) 5))
(check `#(1 ,(+ 1 1) ,@'(3 4)))
(check `(1 `(2 ,(3 ,(+ 1 3)))))
(check `(a . ,(+ 1 2)))
(check (quasiquote (x (unquote (* 2 3)))))

; cond-expand: what both have, and what neither has
(cond-expand (no-such-feature (define chosen 'wrong)) ((and r7rs (not no-such-feature)) (define chosen 'right)) (else (define chosen 'late)))
(check chosen)
(check (let () (cond-expand ((or no-such-feature full-unicode) (define x 1) (define y 2)) (else (define x 3))) (+ x y)))
(check (cond-expand ((library (scheme base)) 'library) (else 'none)))
; records
(check (let ((p (make-point 3 4))) (set-point-x! p 10) (list (point? p) (point? 5) (point-x p) (point-y p))))
(check (fails? (lambda () (point-x 5))))

; errors
(check (caught (lambda () (raise 'symbol))))
(check (caught (lambda () (raise (list 1 2)))))
(check (fails? (lambda () (car 5))))
(check (fails? (lambda () (vector-ref (vector 1 2) 2))))
(check (fails? (lambda () (undefined-variable))))
(check (fails? (lambda () ((lambda (x) x)))))
(check (fails? (lambda () (5 5))))
(check (fails? (lambda () (+ 'a 1))))
(check (fails? (lambda () (string-ref "abc" 3))))
(check (fails? (lambda () (exact (/ 1. 0)))))
(check (fails? (lambda () (integer->char -1))))
(check (fails? (lambda () (quotient 1 0))))
(check (with-exception-handler (lambda (e) (* e 2)) (lambda () (+ 1 (raise-continuable 21)))))
(check (guard (e (#t (list 'outer e))) (guard (e ((number? e) (list 'inner e))) (raise 'not-a-number))))
(check (guard (e ((string? e) e)) (+ 1 (guard (e2 ((number? e2) (* e2 10))) (raise 4)))))
(check (guard (e (#f 'never) (else (list 'else e))) (raise 1)))
(check (guard (e ((assq 'a e) => cdr) ((assq 'b e))) (raise (list (cons 'a 42)))))
(check (guard (e (#t (list 'after e))) (dynamic-wind (lambda () #f) (lambda () (raise 'inside)) (lambda () #f))))
(check (let ((log '())) (guard (e (#t (reverse (cons e log)))) (dynamic-wind (lambda () (set! log (cons 'in log))) (lambda () (raise 'x)) (lambda () (set! log (cons 'out log)))))))
(check (error-object-message (guard (e (#t e)) (error "text" 1))))
(check (guard (e ((read-error? e) 'read-error)) (read (open-input-string "(1 2"))))
(check (fails? (lambda () (open-input-file "/no/such/file"))))

; continuations that go on once
(check (+ 1 (call/cc (lambda (k) (+ 10 (k 1))))))
(check (call/cc (lambda (k) (for-each (lambda (x) (if (negative? x) (k x))) '(1 -2 3)) 'none)))
(check (call-with-values (lambda () (call/cc (lambda (k) (k 1 2 3)))) list))
(check (let ((path '())) (dynamic-wind (lambda () (set! path (cons 'in path))) (lambda () (set! path (cons 'body path))) (lambda () (set! path (cons 'out path)))) (reverse path)))
(check (let ((path '()) (k2 #f))
  (define (note x) (set! path (cons x path)))
  (call/cc (lambda (k) (dynamic-wind (lambda () (note 1)) (lambda () (dynamic-wind (lambda () (note 2)) (lambda () (k 'out)) (lambda () (note 3)))) (lambda () (note 4)))))
  (reverse path)))
(check (let ((path '()) (go-on #f) (finish #f))
  (define (note x) (set! path (cons x path)))
  (call/cc (lambda (leave) (dynamic-wind (lambda () (note 'in)) (lambda () (call/cc (lambda (k) (set! go-on k) (leave #f))) (note 'again) (finish #f)) (lambda () (note 'out)))))
  (call/cc (lambda (end) (set! finish end) (go-on #f)))
  (reverse path)))

; numbers
(check (list 1 -1 0 1.5 -0.5 .25 1e3 1e-3 123456789.125 1e21 1e-10 #xff #b101 #o17 #e1.0 #i3 1000000000000000000))
(check (list (+) (*) (+ 1) (- 5) (+ 1 2 3) (- 10 1 2) (* 2 3 4) (/ 12 3) (/ 1. 4) (+ 0.5 0.5)))
(check (list (quotient 17 5) (quotient -17 5) (remainder -17 5) (modulo -17 5) (modulo 17 -5) (floor-quotient -7 2) (truncate-quotient -7 2)))
(check (list (= 1 1.0) (eqv? 1 1.0) (equal? 1.5 1.5) (eqv? 1.5 1.5) (< 1 2 3) (< 1 3 2) (>= 3 3 2) (max 1 2.0) (min 1 2)))
(check (list (floor 2.7) (ceiling 2.2) (round 2.5) (round 3.5) (round -2.5) (truncate -2.7) (round 7) (exact (floor 2.7))))
(check (list (gcd 12 18) (lcm 4 6) (gcd) (abs -5) (square 5) (expt 2 10) (expt 2.0 0.5)))
(check (call-with-values (lambda () (exact-integer-sqrt 17)) list))
(check (list (sqrt 16) (sqrt 2) (exact->inexact 3) (number->string 255 16) (string->number "ff" 16) (string->number "1e2") (string->number "abc")))
(check (list (integer? 1.0) (integer? 1.5) (exact? 1) (inexact? 1.) (number? 'a) (zero? 0.0) (even? 4) (odd? -3) (positive? 1) (negative? -1) (nan? (/ 0. 0.)) (exact-integer? 5)))
(check (list (boolean? #f) (boolean=? #t #t) (not 3) (not #f)))
(check (list 1152921504606846975 -1152921504606846976 (* 1073741824 1073741823) (+ 1152921504606846974 1)))
(check (list (number->string 3.0) (number->string -0.75) (atan 1 1) (exact (truncate 1e15))))

; pairs and lists
(check (list (cons 1 2) '(1 . (2 . (3 . ()))) '(a . b) (list) (cons* 1 2 '(3))))
(check (list (append '(1) '(2) '(3 . 4)) (append) (append '() 5) (reverse '(1 2 3)) (length '(1 2)) (list-tail '(1 2 3) 1) (list-ref '(a b c) 2)))
(check (list (memq 'c '(a b c d)) (member "b" '("a" "b")) (member 2.0 '(1 2 3) =) (assq 'b '((a 1) (b 2))) (assoc 2.0 '((1 one) (2 two)) =) (assv 5 '())))
(check (list (list-copy '(1 2 3)) (make-list 2 'x) (list? '(1 2)) (list? '(1 . 2)) (pair? '()) (null? '())))
(check (let ((x (list 1 2 3))) (set-car! x 10) (set-cdr! (cddr x) '(4)) (list-set! x 1 'two) x))
(check (list (caar '((1) 2)) (cadr '(1 2)) (cdar '((1 2))) (cddr '(1 2 3)) (caddr '(1 2 3))))
(check (list (equal? '(1 (2 #(3))) '(1 (2 #(3)))) (eq? 'a 'a) (equal? "ab" "ab") (eq? '() '()) (equal? #u8(1 2) #u8(1 2))))
(check (let ((sum 0)) (for-each (lambda (x y) (set! sum (+ sum (* x y)))) '(1 2 3) '(4 5 6)) sum))

; characters and strings
(check (list #\a #\space #\newline #\x41 #\( #\λ (char->integer #\A) (integer->char 955) (char-upcase #\a) (char-downcase #\A) (digit-value #\7)))
(check (list (char<? #\a #\b #\c) (char-ci=? #\a #\A) (char-alphabetic? #\a) (char-numeric? #\5) (char-whitespace? #\space) (char-upper-case? #\A)))
(check (list "plain" "quote\"back\\slash" "tab\tnewline\n" "λx" (string #\a #\b) (make-string 2 #\z) (string-length "λμν")))
(check (list (string-append "ab" "" "cd") (substring "hello" 1 3) (string-copy "hello" 2) (string->list "abc") (list->string '(#\x #\y)) (string->symbol "sym") (symbol->string 'abc)))
(check (list (string=? "a" "a" "a") (string<? "a" "b") (string<? "abc" "abd" "abe") (string-ci=? "Ab" "aB") (string-upcase "abc") (string-downcase "ABC")))
(check (let ((s (make-string 3 #\-))) (string-set! s 1 #\x) (string-copy! s 0 "ab" 1) (string-fill! s #\! 2) s))
(check (list (string-map char-upcase "abc") (string-map (lambda (a b) (if (char<? a b) a b)) "adc" "bbbz")))
(check (let ((l '())) (string-for-each (lambda (c) (set! l (cons c l))) "xyz") l))
(check (list (string->vector "abc") (vector->string #(#\x #\y)) (bytes (string->utf8 "aλ")) (utf8->string #u8(65 66 67))))
(check (list 'Symbol (symbol->string (string->symbol "with space"))  (string->symbol "A") (symbol=? 'a 'a 'a)))

; vectors and bytevectors
(check (list #(1 2 3) (vector 'a "b" #\c) (make-vector 2 'x) (vector-length #(1 2)) (vector-ref #(1 2 3) 1) #()))
(check (list (vector->list #(1 2 3)) (vector->list #(1 2 3) 1) (vector->list #(1 2 3) 1 2) (list->vector '(1 2)) (vector-fill! (make-vector 1) 0)))
(check (let ((v (vector 1 2 3 4 5))) (vector-copy! v 1 v 0 3) (vector-set! v 0 'z) v))
(check (let ((v (vector 1 2 3 4 5))) (vector-copy! v 0 #(a b c) 1) (vector-fill! v 'f 3) v))
(check (list (vector-copy #(1 2 3)) (vector-copy #(1 2 3) 1) (vector-append #(1) #(2 3)) (vector-map * #(1 2) #(10 20))))
(check (let ((b (make-bytevector 3 7))) (bytevector-u8-set! b 1 255) (list (bytes b) (bytevector-u8-ref b 1) (bytevector-length b) (bytes (bytevector-append b (bytevector 1))) (bytes (bytevector-copy b 1)))))

; lazy
(check (let* ((n 0) (p (delay (begin (set! n (+ n 1)) n)))) (force p) (list (force p) (force p) n)))
(check (force (make-promise 5)))
(check (promise? (make-promise 1)))
(check (letrec ((s (lambda (n) (if (= n 0) (delay 'done) (delay-force (s (- n 1))))))) (force (s 1000))))

; ports
(check (let ((p (open-input-string "(a b) 12 \"s\" #\\x ; comment\n 'q #| block |# #;(ignored) end"))) (let loop ((l '())) (let ((x (read p))) (if (eof-object? x) (reverse l) (loop (cons x l)))))))
(check (let ((p (open-input-string "line one\nline two\n\nlast"))) (let loop ((l '())) (let ((x (read-line p))) (if (eof-object? x) (reverse l) (loop (cons x l)))))))
(check (let* ((p (open-input-string "abcdef")) (a (read-char p)) (b (peek-char p)) (c (read-string 3 p)) (d (read-string 10 p))) (list a b c d (eof-object? (read-char p)))))
(check (let ((p (open-output-string))) (write 'a p) (display "str" p) (write "str" p) (write-char #\c p) (write-string "abc" p) (newline p) (get-output-string p)))
(check (let ((p (open-input-bytevector (bytevector 1 2 3)))) (list (peek-u8 p) (read-u8 p) (bytes (read-bytevector 5 p)) (eof-object? (read-u8 p)))))
(check (let ((p (open-output-bytevector))) (write-u8 5 p) (write-bytevector #u8(1 2) p) (bytes (get-output-bytevector p))))
(check (eof-object? (eof-object)))
(check (call-with-port (open-input-string "x") (lambda (p) (list (input-port? p) (output-port? p) (textual-port? p) (read p)))))
(check (let ((p (open-input-string "x"))) (close-port p) (input-port-open? p)))

; eval
(check (eval '(let ((x 3)) (* x x)) (environment '(scheme base))))
(check (procedure? car))
(check (procedure? (lambda () 1)))
(check (procedure? 'car))

; hash tables
(check (let ((t (make-hash-table equal?))) (hash-table-set! t "a" 1) (hash-table-set! t '(1 2) 2) (hash-table-update!/default t "a" (lambda (x) (+ x 10)) 0) (list (hash-table-ref/default t "a" #f) (hash-table-ref/default t (list 1 2) #f) (hash-table-ref/default t 'no 'none) (hash-table-size t))))
(check (let ((t (make-hash-table eqv?))) (do ((i 0 (+ i 1))) ((= i 100)) (hash-table-set! t i (* i i))) (do ((i 0 (+ i 2))) ((= i 100)) (hash-table-delete! t i)) (list (hash-table-size t) (hash-table-ref/default t 7 #f) (hash-table-exists? t 8) (apply + (hash-table-keys t)) (apply + (hash-table-values t)))))
(check (hash-table-ref (make-hash-table) 'a (lambda () 'thunk)))

; deep
(check (let deep ((n 10000)) (if (= n 0) 0 (+ 1 (deep (- n 1))))))
(check (let loop ((n 100000) (f (lambda (x) x))) (if (= n 0) (f 1) (loop (- n 1) (lambda (x) x)))))
(check (length (let build ((n 20000)) (if (= n 0) '() (cons n (build (- n 1)))))))
(check (apply + (let build ((n 1000)) (if (= n 0) '() (cons n (build (- n 1)))))))
