; A pipeline of generators: procedures that give one value after another, written as loops that stop in the middle.
; The stopping is call/cc and nothing else; each continuation goes on once, so on Acre each loop lives on a
; fiber.
(import (scheme base) (scheme write) (scheme process-context))

(define small? (member "small" (command-line)))

; `body` is called with a procedure `give`. The result is a procedure without arguments: what was given next, or
; an end-of-file object when the body has returned.
(define (generator body)
  (define return #f)
  (define (give value)
    (call/cc (lambda (resume)
               (set! go-on (lambda () (resume #f)))
               (return value))))
  (define (go-on)
    (body give)
    (set! go-on (lambda () (return (eof-object))))
    (return (eof-object)))
  (lambda ()
    (call/cc (lambda (back)
               (set! return back)
               (go-on)))))

(define (each procedure source)
  (let ((value (source)))
    (if (not (eof-object? value))
        (begin (procedure value) (each procedure source)))))

(define (numbers from)
  (generator (lambda (give)
               (let loop ((n from)) (give n) (loop (+ n 1))))))

(define (filtered wanted? source)
  (generator (lambda (give)
               (each (lambda (value) (if (wanted? value) (give value))) source))))

(define (mapped procedure source)
  (generator (lambda (give)
               (each (lambda (value) (give (procedure value))) source))))

(define (taken count source)
  (generator (lambda (give)
               (let loop ((left count))
                 (if (> left 0)
                     (let ((value (source)))
                       (if (not (eof-object? value))
                           (begin (give value) (loop (- left 1))))))))))

; The leaves of a tree from left to right.
(define (leaves tree)
  (generator (lambda (give)
               (let walk ((tree tree))
                 (cond ((null? tree) #f)
                       ((pair? tree) (walk (car tree)) (walk (cdr tree)))
                       (else (give tree)))))))

(define (same-fringe? a b)
  (let ((a (leaves a)) (b (leaves b)))
    (let loop ()
      (let ((x (a)) (y (b)))
        (cond ((and (eof-object? x) (eof-object? y)) #t)
              ((eqv? x y) (loop))
              (else #f))))))

; Each prime puts one more filter behind the others.
(define (primes)
  (generator (lambda (give)
               (let loop ((source (numbers 2)))
                 (let ((prime (source)))
                   (give prime)
                   (loop (filtered (lambda (n) (not (= 0 (modulo n prime)))) source)))))))

(define (to-list source)
  (let loop ((values '()))
    (let ((value (source)))
      (if (eof-object? value) (reverse values) (loop (cons value values))))))

(define (show . things)
  (for-each (lambda (thing) (display thing) (display " ")) things)
  (newline))

(show 'squares (to-list (taken (if small? 3 20) (mapped square (filtered odd? (numbers 1))))))
(show 'primes (to-list (taken (if small? 4 60) (primes))))
(show 'fringes
      (same-fringe? '(1 (2 3) (4 (5))) '((1 2) (3 (4)) 5))
      (same-fringe? '(1 (2 3) (4 (5))) '((1 2) (4 (3)) 5)))

; Leaving a loop, and what dynamic-wind says of it.
(define trace '())
(define (note what) (set! trace (cons what trace)))
(show 'found
      (call/cc
       (lambda (leave)
         (dynamic-wind
          (lambda () (note 'in))
          (lambda () (each (lambda (n) (if (> (* n n) 50) (leave n))) (numbers 1)) 'never)
          (lambda () (note 'out)))))
      (reverse trace))

; An error inside of a generator comes out at who asked for the value; the generator can be asked again.
(define fragile (mapped (lambda (n) (if (odd? n) (raise-continuable (list 'odd n)) n)) (numbers 1)))
(show 'errors
      (with-exception-handler
       (lambda (problem) (cadr problem))
       (lambda () (list (fragile) (fragile) (fragile)))))
(show 'caught (guard (problem (#t (list 'caught problem))) ((mapped (lambda (n) (raise 'first)) (numbers 1)))))
