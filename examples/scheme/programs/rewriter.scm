; A prover in the manner of Boyer and Moore: terms are rewritten by equations until none applies, then a
; tautology checker looks at what is left, an expression of (if test then else).
(import (scheme base) (scheme write) (scheme process-context) (srfi 69))

(define small? (member "small" (command-line)))

; ---- equations: left sides are filed under their operator ----

(define equations (make-hash-table eq?))

(define (equation! left right)
  (hash-table-set! equations (car left)
                   (append (hash-table-ref/default equations (car left) '())
                           (list (cons left right)))))

; Letters are variables of an equation.
(define (variable? term) (memq term '(x y z u v)))

(for-each
 (lambda (equation) (equation! (car equation) (cadr equation)))
 '(((and x y) (if x (if y (t) (f)) (f)))
   ((or x y) (if x (t) (if y (t) (f))))
   ((not x) (if x (f) (t)))
   ((implies x y) (if x (if y (t) (f)) (t)))
   ((iff x y) (and (implies x y) (implies y x)))
   ((if (if x y z) u v) (if x (if y u v) (if z u v)))
   ((equal x x) (t))
   ((plus (zero) x) x)
   ((plus (succ x) y) (succ (plus x y)))
   ((plus (plus x y) z) (plus x (plus y z)))
   ((times (zero) x) (zero))
   ((times (succ x) y) (plus y (times x y)))
   ((equal (succ x) (succ y)) (equal x y))
   ((equal (succ x) (zero)) (f))
   ((equal (zero) (succ x)) (f))
   ((append (nil) x) x)
   ((append (cons x y) z) (cons x (append y z)))
   ((append (append x y) z) (append x (append y z)))
   ((reverse (nil)) (nil))
   ((reverse (append x y)) (append (reverse y) (reverse x)))
   ((reverse (cons x y)) (append (reverse y) (cons x (nil))))
   ((reverse (reverse x)) x)
   ((len (nil)) (zero))
   ((len (cons x y)) (succ (len y)))
   ((len (append x y)) (plus (len x) (len y)))
   ((member x (nil)) (f))
   ((member x (cons y z)) (or (equal x y) (member x z)))
   ((member x (append y z)) (or (member x y) (member x z)))
   ((less (zero) (succ x)) (t))
   ((less x (zero)) (f))
   ((less (succ x) (succ y)) (less x y))))

; ---- rewriting ----

; The substitution that makes the pattern the term, or #f.
(define (match pattern term substitution)
  (cond ((variable? pattern)
         (let ((bound (assq pattern substitution)))
           (cond ((not bound) (cons (cons pattern term) substitution))
                 ((equal? (cdr bound) term) substitution)
                 (else #f))))
        ((or (not (pair? pattern)) (not (pair? term))) (and (equal? pattern term) substitution))
        ((not (eq? (car pattern) (car term))) #f)
        (else (match-all (cdr pattern) (cdr term) substitution))))

(define (match-all patterns terms substitution)
  (cond ((and (null? patterns) (null? terms)) substitution)
        ((or (null? patterns) (null? terms)) #f)
        ((match (car patterns) (car terms) substitution)
         => (lambda (extended) (match-all (cdr patterns) (cdr terms) extended)))
        (else #f)))

(define (substitute term substitution)
  (cond ((variable? term) (cdr (assq term substitution)))
        ((pair? term)
         (cons (car term) (map (lambda (part) (substitute part substitution)) (cdr term))))
        (else term)))

(define rewritings 0)

(define (rewrite term)
  (if (pair? term)
      (rewrite-by (hash-table-ref/default equations (car term) '())
                  (cons (car term) (map rewrite (cdr term))))
      term))

(define (rewrite-by candidates term)
  (cond ((null? candidates) term)
        ((match (caar candidates) term '())
         => (lambda (substitution)
              (set! rewritings (+ rewritings 1))
              (rewrite (substitute (cdar candidates) substitution))))
        (else (rewrite-by (cdr candidates) term))))

; ---- tautologies ----

(define (true? term known) (or (equal? term '(t)) (member term known)))
(define (false? term known) (or (equal? term '(f)) (member term known)))

(define (tautology? term trues falses)
  (cond ((true? term trues) #t)
        ((false? term falses) #f)
        ((and (pair? term) (eq? (car term) 'if))
         (let ((test (cadr term)))
           (cond ((true? test trues) (tautology? (list-ref term 2) trues falses))
                 ((false? test falses) (tautology? (list-ref term 3) trues falses))
                 (else (and (tautology? (list-ref term 2) (cons test trues) falses)
                            (tautology? (list-ref term 3) trues (cons test falses)))))))
        (else #f)))

(define (prove name theorem)
  (set! rewritings 0)
  (let* ((normal (rewrite theorem))
         (answer (tautology? normal '() '())))
    (write (list name (if answer 'proved 'not-proved) rewritings 'rewritings))
    (newline)))

(prove 'modus-ponens '(implies (and a (implies a b)) b))
(prove 'converse '(implies (implies a b) (implies b a)))
(prove 'lengths '(equal (len (append (cons a (cons b (nil))) c)) (succ (succ (len c)))))
(cond ((not small?)
       (prove 'transitive
              '(implies (and (implies a b) (and (implies b c) (implies c d)))
                        (implies a d)))
       (prove 'equivalence '(implies (and a (or b c)) (or (and a b) (and a c))))
       (prove 'de-morgan '(iff (not (and a b)) (or (not a) (not b))))
       (prove 'reversal
              '(equal (reverse (append (append a b) (reverse c))) (append c (append (reverse b) (reverse a)))))
       (prove 'membership
              '(implies (member a (append b (append c d))) (or (member a c) (or (member a d) (member a b)))))
       (prove 'numbers
              '(equal (times (succ (succ (succ (zero)))) (succ (succ (zero))))
                      (plus (succ (succ (zero))) (succ (succ (succ (succ (zero))))))))))
